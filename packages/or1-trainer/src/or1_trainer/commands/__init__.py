"""The commands, one to three per file: their arguments, and what they do with them."""
