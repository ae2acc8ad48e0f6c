"""Rules that look at one row: what they find, and where exactly."""

from or1_data.rules.finding import Finding, Rule
from or1_data.rules.stage import RULES, annotate_rules, find

__all__ = ["RULES", "Finding", "Rule", "annotate_rules", "find"]
