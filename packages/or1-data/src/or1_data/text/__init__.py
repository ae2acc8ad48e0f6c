"""Text as problems write it: canonical tokens, words and numbers."""
