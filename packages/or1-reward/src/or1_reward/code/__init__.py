"""Code problems: every row kind of the row format, run in the sandbox and compared outside of it."""

from or1_reward.code.extract import extract_program
from or1_reward.code.verify import judge_program, verify_code

__all__ = ["extract_program", "judge_program", "verify_code"]
