"""Toy policies and problems: the tiny recipe's warm start, lettered sums, scaled-down recipes."""
