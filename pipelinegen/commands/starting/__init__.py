"""The steps of `pipelinegen init`: what a repository holds, what follows from it, and the files that say so."""
