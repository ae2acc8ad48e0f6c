"""What a maths verdict is lenient about."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class MathSettings:
    r"""Settings of the maths verifier; the defaults are what the README's numbers were measured with.

    Attributes:
        extraction: `lenient` also reads answers outside of `\boxed{}` ("the answer is 5", `<answer>`, `####`, the
            last number); `boxed` takes a box or nothing, which is stricter on format in training.
        units: `lenient` lets a unit be left out on either side (`5 cm` is 5; `5 cm` is not `5 m`); `strict` wants it.
        percent: `lenient` takes 25% for 25 and for 0.25, because golds are written both ways; `strict` for 0.25 only.
        set_order: `lenient` compares lists of answers without regard to order; `strict` with. Tuples and intervals
            are always ordered, sets in braces never.
        decimal_digits: a decimal of at least so many places that is the right rounding of an exact value equals it
            (0.333333 and 1/3, but not 3.14 and pi); None wants exact values.
        time_s: CPU time that one verdict may take in the caller's process, sympy's aside; `Limits` may lower it.
            Beyond it the verdict is `time_limit`. A count of evaluations ends nearly all such answers earlier, so that
            a busy machine does not change verdicts.
        unevaluated: `strict` refuses what is not worked out where the gold is a number (`10 + 13` for 23, an integral,
            a limit): it may be the question copied into the box. `lenient` works it out and compares.
        symbolic_time_s: CPU time that one comparison may take in the symbolic worker before that is killed; of 33
            textbook integrals, limits and sums, those that sympy solves at all took 0.23 s at most.
    """

    extraction: Literal["lenient", "boxed"] = "lenient"
    units: Literal["lenient", "strict"] = "lenient"
    percent: Literal["lenient", "strict"] = "lenient"
    set_order: Literal["lenient", "strict"] = "lenient"
    decimal_digits: int | None = 6
    unevaluated: Literal["lenient", "strict"] = "lenient"
    symbolic_time_s: float = 0.3
    time_s: float = 0.5


TRAINING: Final = MathSettings(unevaluated="strict")
"""Settings for training, where the question copied into the box must not be rewarded; the adapters' default."""
