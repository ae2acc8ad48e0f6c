"""Convergence test that ends a context stage early: the rule behind `stages.N.advance.rule = "auto"`.

The report moves on "after convergence" and gives no criterion (arXiv 2505.22312, §3.1). Within a context length, reward
rises for two reasons: more correct answers, and fewer truncated ones (§3.2.3). So a stage ends when both have stopped:
over the last window of steps the mean reward rose by less than `gain` over the window before, and the mean truncated
share fell by less than `gain`.
"""

from collections.abc import Sequence
from statistics import fmean

Step = tuple[float, float]
"""Mean reward and truncated share of one rollout batch."""


def has_converged(history: Sequence[Step], *, window_steps: int, gain: float) -> bool:
    """Whether neither reward nor truncation improved by `gain`; False until there are two whole windows."""
    if len(history) < 2 * window_steps:
        return False
    before, after = history[-2 * window_steps : -window_steps], history[-window_steps:]
    reward_gain = fmean(step[0] for step in after) - fmean(step[0] for step in before)
    truncated_gain = fmean(step[1] for step in before) - fmean(step[1] for step in after)
    return reward_gain < gain and truncated_gain < gain
