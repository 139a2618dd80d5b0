"""One conductor for each command; each body reads as a sentence."""
