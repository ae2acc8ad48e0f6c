"""Which source the next prompt comes from: weights followed over any window, not on average.

The quota method (Balinski and Young 1975; Tijdeman 1980 for schedules): after n prompts a source of share w has had
n w of them, up to less than one. So any window of n prompts has n w of them, up to less than two, and nothing drifts.
"""

from collections.abc import Mapping
from fractions import Fraction


def shares_of(weights: Mapping[str, float]) -> dict[str, Fraction]:
    """Weights as exact parts of one; the decimal number that a recipe shows is meant, not its nearest float."""
    exact = {name: Fraction(str(weight)) for name, weight in weights.items()}
    total = sum(exact.values())
    return {name: weight / total for name, weight in exact.items()}


def next_source(counts: Mapping[str, int], shares: Mapping[str, Fraction]) -> str:
    """The source of the next prompt, given how many each has had.

    Of the sources that have had less than their part with this prompt included, the one whose own next prompt is due
    first; ties go to the first of the recipe.
    """
    turn = 1 + sum(counts.get(name, 0) for name in shares)
    behind = [name for name, share in shares.items() if counts.get(name, 0) < turn * share]
    return min(behind, key=lambda name: (counts.get(name, 0) + 1) / shares[name])
