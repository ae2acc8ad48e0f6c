r"""Verify answers of language models to maths and code problems: text + ground truth -> a typed verdict, and why.

    >>> import or1_reward
    >>> or1_reward.verify("... so the answer is \\boxed{0.5}", "1/2").reward
    1.0

Importing this costs no numpy, no torch and no sympy; what is heavy loads in worker processes when first needed.
"""

from or1_reward.grading import Grader, averify, verify, verify_many
from or1_reward.ground_truth import (
    AssertTruth,
    CallTruth,
    GroundTruth,
    GroundTruthError,
    HarnessTruth,
    LiveCodeBenchTruth,
    MathTruth,
    StdioTruth,
    parse_ground_truth,
)
from or1_reward.maths import MathSettings
from or1_reward.types import Limits, Status, TestResult, Verdict

__version__ = "0.1.0"

__all__ = [
    "AssertTruth",
    "CallTruth",
    "Grader",
    "GroundTruth",
    "GroundTruthError",
    "HarnessTruth",
    "Limits",
    "LiveCodeBenchTruth",
    "MathSettings",
    "MathTruth",
    "Status",
    "StdioTruth",
    "TestResult",
    "Verdict",
    "__version__",
    "averify",
    "parse_ground_truth",
    "verify",
    "verify_many",
]
