"""The tiny recipe: a tokenizer and a warm start made by this project."""
