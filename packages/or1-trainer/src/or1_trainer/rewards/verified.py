"""`verifier` and `tests_passed`: what the problem's own verifier says of a response."""

from __future__ import annotations

from or1_reward.types import Status
from or1_trainer.rewards.group import Group, Values


class RightAnswer:
    """1 where the verdict is `correct`, else 0; None where the verifier failed."""

    workers = 1

    def values(self, group: Group) -> Values:
        """See `Reward`."""
        return [None if v.reward is None else float(v.status is Status.CORRECT) for v in group.verdicts()]

    def close(self) -> None:
        """Nothing to close."""


class TestsPassed:
    """The part of the tests that a program passes; the verifier has to be asked for partial scores."""

    __test__ = False  # pytest: not a test class
    workers = 1

    def values(self, group: Group) -> Values:
        """See `Reward`."""
        return [verdict.reward for verdict in group.verdicts()]

    def close(self) -> None:
        """Nothing to close."""
