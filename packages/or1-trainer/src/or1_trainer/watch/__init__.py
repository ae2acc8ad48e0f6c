"""A local web page over live or finished runs."""
