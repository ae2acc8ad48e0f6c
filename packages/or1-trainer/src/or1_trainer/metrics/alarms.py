"""Alarms: what goes wrong in RL runs while every number is still finite, and what to do about it.

A pure function of the rows of `metrics.jsonl`: a resumed run and the report raise the same ones. Thresholds are meant
to be quiet on a healthy run; each alarm is raised when its condition begins to hold, and again only after it has ended.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from or1_trainer.metrics.log import Value

Row = Mapping[str, Value]
_WINDOW = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """Something that a person should look at: since which step, and what to do."""

    step: int
    name: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rule:
    """A condition over all rows so far, tried at each training step; the text is filled from the last row."""

    name: str
    holds: Callable[[Sequence[Row]], bool]
    text: str


class AlarmBell:
    """Takes in the rows of a run one by one and says which alarms begin at each."""

    def __init__(self) -> None:
        """Start silent; feed the rows of an earlier part of the run to `ring` first."""
        self._rows: list[Row] = []
        self._ringing: set[str] = set()

    def ring(self, row: Row) -> list[Alarm]:
        """The alarms that begin with this row; a row without a training step (an evaluation) raises none."""
        if "reward/mean" not in row:
            return []
        self._rows.append(row)
        holding = [rule for rule in _RULES if rule.holds(self._rows)]
        begun = [rule for rule in holding if rule.name not in self._ringing]
        self._ringing = {rule.name for rule in holding}
        return [Alarm(step=int(row["step"]), name=rule.name, text=_filled(rule.text, self._rows)) for rule in begun]


def alarms_of(rows: Iterable[Row]) -> list[Alarm]:
    """Every alarm of a run, in order."""
    bell = AlarmBell()
    return [alarm for row in rows for alarm in bell.ring(row)]


def _values(rows: Sequence[Row], key: str) -> list[float]:
    return [float(value) for row in rows if isinstance(value := row.get(key), int | float)]


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else math.nan


def _at_first(rows: Sequence[Row], key: str) -> float:
    return _mean(_values(rows[:_WINDOW], key))


def _lately(rows: Sequence[Row], key: str) -> float:
    """Mean over the last five steps; not a number (so that no comparison holds) before there are five more."""
    return _mean(_values(rows[-_WINDOW:], key)) if len(rows) >= 2 * _WINDOW else math.nan


def _always_lately(rows: Sequence[Row], key: str, value: float) -> bool:
    last = _values(rows[-_WINDOW:], key)
    return len(last) == _WINDOW and all(one == value for one in last)


def _now(rows: Sequence[Row], key: str) -> float:
    values = _values(rows[-1:], key)
    return values[0] if values else math.nan


def _not_finite(rows: Sequence[Row]) -> bool:
    keys = ("loss/total", "optimizer/grad_norm", "policy/entropy")
    return any(not math.isfinite(value) for key in keys for value in _values(rows[-1:], key))


def _collapsed(rows: Sequence[Row]) -> bool:
    entropy = _lately(rows, "policy/entropy")
    return entropy < 0.05 and entropy < 0.25 * _at_first(rows, "policy/entropy")


def _blown_up(rows: Sequence[Row]) -> bool:
    entropy, first = _lately(rows, "policy/entropy"), _at_first(rows, "policy/entropy")
    return entropy > 2 * first and entropy > first + 0.5


def _filled(text: str, rows: Sequence[Row]) -> str:
    return text.format(
        entropy=_lately(rows, "policy/entropy"),
        first_entropy=_at_first(rows, "policy/entropy"),
        truncated=_lately(rows, "reward/truncated_rate"),
        clipped=_lately(rows, "policy/clip_low_rate") + _lately(rows, "policy/clip_high_rate"),
        mismatch=_now(rows, "mismatch/mean_abs"),
        errors=_now(rows, "reward/verifier_errors"),
    )


_RULES = (
    _Rule(
        name="not finite",
        holds=_not_finite,
        text="loss, gradient norm or entropy is not finite: resume from the last checkpoint with a lower optimizer.lr",
    ),
    _Rule(
        name="entropy collapse",
        holds=_collapsed,
        text="entropy fell from {first_entropy:.3f} to {entropy:.3f} nats, the policy stops exploring: set "
        "entropy.mode = adaptive, raise entropy.target or entropy.maximum, or take fewer optimiser steps per batch "
        "(lower loss.reuse, larger mini_prompts)",
    ),
    _Rule(
        name="entropy blow-up",
        holds=_blown_up,
        text="entropy rose from {first_entropy:.3f} to {entropy:.3f} nats: lower entropy.maximum or entropy.delta, or "
        "optimizer.lr",
    ),
    _Rule(
        name="clip ratio",
        holds=lambda rows: _lately(rows, "reward/truncated_rate") > 0.6,
        text="{truncated:.0%} of the responses are truncated and score 0: give this stage a larger context_tokens",
    ),
    _Rule(
        name="clipped tokens",
        holds=lambda rows: _lately(rows, "policy/clip_low_rate") + _lately(rows, "policy/clip_high_rate") > 0.2,
        text="{clipped:.0%} of the tokens are held by the ratio clip, the policy moves too far within one batch: lower "
        "optimizer.lr or loss.reuse, or raise mini_prompts",
    ),
    _Rule(
        name="mismatch",
        holds=lambda rows: _now(rows, "mismatch/mean_abs") > 0.05,
        text="engine and trainer differ by {mismatch:.3f} nats a token in the mean, the gradient is off-policy: "
        "lower rollout.ahead or optimizer.lr where rollouts run ahead; else compare their dtype, and the engine's "
        "sampling settings with rollout.temperature and rollout.top_p",
    ),
    _Rule(
        name="no signal",
        holds=lambda rows: _always_lately(rows, "group/kept_rate", 0.0),
        text=f"no group of the last {_WINDOW} steps had both right and wrong answers, nothing is learnt: the problems "
        "are all too easy or all too hard for this policy",
    ),
    _Rule(
        name="verifier errors",
        holds=lambda rows: _now(rows, "reward/verifier_errors") > 0,
        text="the verifier failed on {errors:.0f} responses, which were left out: see their detail with "
        "`or1-reward grade`, and `or1-reward doctor` for the sandbox",
    ),
)
