"""Maths answers: extraction, then equality as a ladder of ever dearer proofs."""

from or1_reward.maths.settings import MathSettings
from or1_reward.maths.verdicts import verify_maths

__all__ = ["MathSettings", "verify_maths"]
