"""Maths answers: extraction, then equality as a ladder of steps, the cheapest first.

`verify.verify_maths` is loaded with the first verdict.
"""

from or1_reward.maths.settings import TRAINING, MathSettings

__all__ = ["TRAINING", "MathSettings"]
