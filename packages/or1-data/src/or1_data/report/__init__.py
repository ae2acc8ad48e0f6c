"""The report for people: what came in, what went, why, and what the scores look like."""
