"""Quality votes by LLM judges."""

from or1_data.judge.stage import JudgeSettings, annotate_votes, judge_prompt

__all__ = ["JudgeSettings", "annotate_votes", "judge_prompt"]
