"""Code problems: every row kind of the row format, run in the sandbox and compared outside of it."""

from or1_reward.code.extract import Program, extract_program
from or1_reward.code.verify import judge_program, verify_code
from or1_reward.code_settings import CodeSettings

__all__ = ["CodeSettings", "Program", "extract_program", "judge_program", "verify_code"]
