"""Where the answer of a response stands."""
