"""Alarms for failures of RL training that leave every number finite, each with advice.

Alarms depend on the rows of `metrics.jsonl` alone, so a resumed run and the report raise the same ones. Thresholds are
chosen to stay silent on a healthy run. An alarm is raised when its condition starts to hold, and again only after the
condition has stopped holding.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from or1_trainer.metrics.hacking import HACKING, LOOK
from or1_trainer.metrics.log import Value

Row = Mapping[str, Value]
_WINDOW = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """A warning for the user: the step at which its condition started to hold, and what to do."""

    step: int
    name: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rule:
    """A condition over all rows so far, tested at each training step, and the message to format when it holds."""

    name: str
    holds: Callable[[Sequence[Row]], bool]
    text: str


class AlarmMonitor:
    """Reads the rows of a run one by one and reports the alarms that start at each."""

    def __init__(self) -> None:
        """Start without history; a resumed run passes its earlier rows to `update` first."""
        self._rows: list[Row] = []
        self._active: set[str] = set()

    def update(self, row: Row) -> list[Alarm]:
        """Return the alarms that start at this row; a row without a training step (an evaluation) raises none."""
        if "reward/mean" not in row:
            return []
        self._rows.append(row)
        texts = {rule.name: _filled(rule.text, self._rows) for rule in _RULES if rule.holds(self._rows)}
        look, step = LOOK.format(step=row["step"]), int(row["step"])
        texts |= {name: f"{text}; {look}" for name, said in HACKING.items() if (text := said(self._rows))}
        started = [name for name in texts if name not in self._active]
        self._active = set(texts)
        return [Alarm(step=step, name=name, text=texts[name]) for name in started]


def alarms_of(rows: Iterable[Row]) -> list[Alarm]:
    """Return every alarm of a run, in order."""
    monitor = AlarmMonitor()
    return [alarm for row in rows for alarm in monitor.update(row)]


def _values(rows: Sequence[Row], key: str) -> list[float]:
    return [float(value) for row in rows if isinstance(value := row.get(key), int | float)]


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else math.nan


def _first_mean(rows: Sequence[Row], key: str) -> float:
    return _mean(_values(rows[:_WINDOW], key))


def _recent_mean(rows: Sequence[Row], key: str) -> float:
    """Mean over the last five steps; NaN, so that no comparison holds, while there are fewer than ten rows."""
    return _mean(_values(rows[-_WINDOW:], key)) if len(rows) >= 2 * _WINDOW else math.nan


def _all_recent_equal(rows: Sequence[Row], key: str, value: float) -> bool:
    last = _values(rows[-_WINDOW:], key)
    return len(last) == _WINDOW and all(item == value for item in last)


def _latest(rows: Sequence[Row], key: str) -> float:
    values = _values(rows[-1:], key)
    return values[0] if values else math.nan


def _not_finite(rows: Sequence[Row]) -> bool:
    keys = ("loss/total", "optimizer/grad_norm", "policy/entropy")
    return any(not math.isfinite(value) for key in keys for value in _values(rows[-1:], key))


def _collapsed(rows: Sequence[Row]) -> bool:
    entropy = _recent_mean(rows, "policy/entropy")
    return entropy < 0.05 and entropy < 0.25 * _first_mean(rows, "policy/entropy")


def _blown_up(rows: Sequence[Row]) -> bool:
    entropy, first = _recent_mean(rows, "policy/entropy"), _first_mean(rows, "policy/entropy")
    return entropy > 2 * first and entropy > first + 0.5


def _failed_rewards(rows: Sequence[Row]) -> dict[str, int]:
    """Rewards of the recipe that failed in the last step -> the number of responses."""
    counts = {
        key: int(value) for key, value in rows[-1].items() if key.startswith("rewards/") and key.endswith(".failed")
    }
    return {key.removeprefix("rewards/").removesuffix(".failed"): count for key, count in counts.items() if count}


def _filled(text: str, rows: Sequence[Row]) -> str:
    return text.format(
        entropy=_recent_mean(rows, "policy/entropy"),
        first_entropy=_first_mean(rows, "policy/entropy"),
        truncated=_recent_mean(rows, "reward/truncated_rate"),
        clipped=_recent_mean(rows, "policy/clip_low_rate") + _recent_mean(rows, "policy/clip_high_rate"),
        mismatch=_latest(rows, "mismatch/mean_abs"),
        errors=_latest(rows, "reward/verifier_errors"),
        failed=", ".join(f"{name} on {count}" for name, count in _failed_rewards(rows).items()),
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
        text="entropy fell from {first_entropy:.3f} to {entropy:.3f} nats; the policy stops exploring: set "
        "entropy.mode = adaptive, raise entropy.target or entropy.maximum, or take fewer optimizer steps per batch "
        "(lower loss.reuse, larger mini_prompts)",
    ),
    _Rule(
        name="entropy blow-up",
        holds=_blown_up,
        text="entropy rose from {first_entropy:.3f} to {entropy:.3f} nats: lower entropy.maximum or entropy.delta, or "
        "optimizer.lr",
    ),
    _Rule(
        name="truncation",
        holds=lambda rows: _recent_mean(rows, "reward/truncated_rate") > 0.6,
        text="{truncated:.0%} of the responses are truncated and score 0: give this stage a larger context_tokens",
    ),
    _Rule(
        name="clipped tokens",
        holds=lambda rows: (
            _recent_mean(rows, "policy/clip_low_rate") + _recent_mean(rows, "policy/clip_high_rate") > 0.2
        ),
        text="the ratio clip acts on {clipped:.0%} of the tokens; the policy moves too far within one batch: lower "
        "optimizer.lr or loss.reuse, or raise mini_prompts",
    ),
    _Rule(
        name="mismatch",
        holds=lambda rows: _latest(rows, "mismatch/mean_abs") > 0.05,
        text="the log-probs of engine and trainer differ by {mismatch:.3f} nats per token on average, so the gradient "
        "is off-policy: with asynchronous rollouts lower rollout.ahead or optimizer.lr; or compare the dtypes and "
        "the sampling settings of the engine with rollout.temperature and rollout.top_p",
    ),
    _Rule(
        name="no signal",
        holds=lambda rows: _all_recent_equal(rows, "group/kept_rate", 0.0),
        text=f"no group of the last {_WINDOW} steps had both right and wrong answers, so nothing is learned: the "
        "problems are all too easy or all too hard for this policy",
    ),
    _Rule(
        name="verifier errors",
        holds=lambda rows: _latest(rows, "reward/verifier_errors") > 0,
        text="the verifier failed on {errors:.0f} responses, which are excluded from training: `or1-reward grade` "
        "shows why, `or1-reward doctor` checks the sandbox",
    ),
    _Rule(
        name="reward failed",
        holds=lambda rows: bool(_failed_rewards(rows)),
        text="a reward failed on responses, which are excluded from training: {failed}; in the sampled rollouts its "
        "value is null there",
    ),
)
