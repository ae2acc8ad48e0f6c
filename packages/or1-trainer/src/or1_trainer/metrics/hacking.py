"""Alarms for rewards that are earned in another way than was meant: what went up, and what went the other way.

Each compares the last five steps with the first five, or evaluations with each other; none fires on a number alone.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from or1_trainer.metrics.log import Row, names, number

WINDOW = 5

LOOK = "look at rollouts/step_{step:06d}.jsonl, the highest advantages first"
"""Where every text ends."""


def values(rows: Sequence[Row], key: str) -> list[float]:
    """The numbers under a key, in order."""
    return [float(value) for row in rows if isinstance(value := row.get(key), int | float)]


def course(rows: Sequence[Row], key: str) -> tuple[float, float]:
    """Means of the first and of the last five steps; NaN, so that no comparison holds, before there are ten.

    A kind of verdict that did not come in a step has no key there: it counts 0 where other kinds came.
    """
    if len(rows) < 2 * WINDOW:
        return math.nan, math.nan
    means = [values(part, key) for part in (rows[:WINDOW], rows[-WINDOW:])]
    lengths = [WINDOW if key.startswith("verdicts/") else len(found) for found in means]
    first, last = (sum(found) / n if n else math.nan for found, n in zip(means, lengths, strict=True))
    return first, last


def heldout_falls(rows: Sequence[Row]) -> str:
    """The reward rises while held-out accuracy falls out of the interval of its best."""
    evaluated = [row for row in rows if "eval/avg" in row]
    if not evaluated:
        return ""
    best, last = max(evaluated, key=lambda row: number(row, "eval/avg")), evaluated[-1]
    avg, at = number(best, "eval/avg"), rows.index(best)
    before, now = (_mean(values(part, "reward/mean")) for part in (rows[max(at - WINDOW, 0) : at + 1], rows[-WINDOW:]))
    is_lower = number(last, "eval/avg") < avg  # where accuracies are all alike, the interval misses them by rounding
    if not (is_lower and number(last, "eval/high") < avg and now > before + 0.02):
        return ""
    return (
        f"held-out accuracy fell from {avg:.3f} (step {best['step']}) to {number(last, 'eval/avg'):.3f} while the "
        f"reward rose from {before:.3f} to {now:.3f}: the policy learns the training problems, or a weakness of the "
        "reward; lower optimizer.lr, add problems, or take the best checkpoint (`or1-trainer export --best`)"
    )


def length_drifts(rows: Sequence[Row]) -> str:
    """Right responses become much longer or shorter, and others do not."""
    (first, last), (rest_first, rest_last) = course(rows, "watch/rewarded_length"), course(rows, "watch/rest_length")
    if not (first > 0 and rest_first > 0 and rest_last > 0):
        return ""
    drift = (last / first) / (rest_last / rest_first)
    if not (drift > 1.75 or drift < 1 / 1.75):
        return ""
    return (
        f"right responses went from {first:.0f} to {last:.0f} tokens, others from {rest_first:.0f} to {rest_last:.0f}: "
        "length decides what is rewarded; compare with and without a `length` or `repetition` reward"
    )


def answer_takes_over(rows: Sequence[Row]) -> str:
    """One answer is given to most problems, which was not so at the start."""
    first, last = course(rows, "watch/answer_share")
    if not (last > 0.5 and last > 2 * first):
        return ""
    return (
        f"one answer makes up {last:.0%} of all answers, {first:.0%} at the start: either the training set has it too "
        "often, or the verifier accepts it too easily (`or1-reward grade` says why)"
    )


def verdicts_shift(rows: Sequence[Row]) -> str:
    """A kind of verdict that is no right answer has become frequent. Truncation has an alarm of its own."""
    for kind in names(rows[-WINDOW:], "verdicts/"):
        first, last = course(rows, f"verdicts/{kind}")
        if kind not in ("correct", "truncated") and last > first + 0.25:
            return (
                f"{last:.0%} of the verdicts are {kind.replace('_', ' ')}, {first:.0%} at the start: responses have "
                "another form than the verifier expects, or fail in a new way"
            )
    return ""


def rewards_part(rows: Sequence[Row]) -> str:
    """The sum rises while the part of one reward in it falls."""
    first, last = course(rows, "reward/mean")
    for name in names(rows[-WINDOW:], "rewards/", ".part"):
        part_first, part_last = course(rows, f"rewards/{name}.part")
        if last - first > 0.02 and part_first - part_last > max(0.02, 0.25 * (last - first)):
            return (
                f"the reward rose from {first:.3f} to {last:.3f}, but the part of {name!r} in it fell from "
                f"{part_first:.3f} to {part_last:.3f}: the others are earned at its expense; change the weights, or "
                'set reward.normalization = "each"'
            )
    return ""


def constant(rows: Sequence[Row]) -> str:
    """A reward gives every response the same value, step after step."""
    recent = rows[-WINDOW:]
    for name in names(recent, "rewards/", ".spread"):
        given, spreads = (values(recent, f"rewards/{name}.{kind}") for kind in ("mean", "spread"))
        if len(given) == WINDOW and len(set(given)) == 1 and not any(spreads):
            return (
                f"the reward {name!r} was {given[0]:g} for every response of {WINDOW} steps: it teaches nothing; a "
                "function gets lists of messages instead of texts where the tokenizer has a chat template "
                '(prompts = "text" changes that)'
            )
    return ""


def _mean(found: Sequence[float]) -> float:
    return sum(found) / len(found) if found else math.nan


HACKING = {
    "held-out falls": heldout_falls,
    "length drift": length_drifts,
    "one answer": answer_takes_over,
    "verdicts shift": verdicts_shift,
    "rewards part": rewards_part,
    "constant reward": constant,
}
"""Name of an alarm -> its text where it holds, else ""."""
