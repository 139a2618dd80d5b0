"""What an image is: references and the order of tags. Pure."""
