"""Alarms for failures of RL training that leave every number finite, each with advice.

Alarms depend on the rows of `metrics.jsonl` alone, so a resumed run and the report raise the same ones. Thresholds are
chosen to stay silent on a healthy run. An alarm is raised when its condition starts to hold, and again only after the
condition has stopped holding.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from or1_trainer.metrics.hacking import HACKING, LOOK, WINDOW, course, values
from or1_trainer.metrics.log import Row, names, number


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """A warning for the user: the step at which its condition started to hold, and what to do."""

    step: int
    name: str
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
        look, step = LOOK.format(step=row["step"]), int(row["step"])
        texts = {name: text for name, said in _TROUBLES.items() if (text := said(self._rows))}
        texts |= {name: f"{text}; {look}" for name, said in HACKING.items() if (text := said(self._rows))}
        started = [name for name in texts if name not in self._active]
        self._active = set(texts)
        return [Alarm(step=step, name=name, text=texts[name]) for name in started]


def alarms_of(rows: Iterable[Row]) -> list[Alarm]:
    """Return every alarm of a run, in order."""
    monitor = AlarmMonitor()
    return [alarm for row in rows for alarm in monitor.update(row)]


def _not_finite(rows: Sequence[Row]) -> str:
    keys = ("loss/total", "optimizer/grad_norm", "policy/entropy")
    if all(math.isfinite(value) for key in keys for value in values(rows[-1:], key)):
        return ""
    return "loss, gradient norm or entropy is not finite: resume from the last checkpoint with a lower optimizer.lr"


def _entropy_collapse(rows: Sequence[Row]) -> str:
    first, entropy = course(rows, "policy/entropy")
    if not (entropy < 0.05 and entropy < 0.25 * first):
        return ""
    return (
        f"entropy fell from {first:.3f} to {entropy:.3f} nats; the policy stops exploring: set entropy.mode = "
        "adaptive, raise entropy.target or entropy.maximum, or take fewer optimizer steps per batch (lower loss.reuse, "
        "larger mini_prompts)"
    )


def _entropy_blow_up(rows: Sequence[Row]) -> str:
    first, entropy = course(rows, "policy/entropy")
    if not (entropy > 2 * first and entropy > first + 0.5):
        return ""
    return (
        f"entropy rose from {first:.3f} to {entropy:.3f} nats: lower entropy.maximum or entropy.delta, or optimizer.lr"
    )


def _truncation(rows: Sequence[Row]) -> str:
    _, share = course(rows, "reward/truncated_rate")
    text = f"{share:.0%} of the responses are truncated and score 0: give this stage a larger context_tokens"
    return text if share > 0.6 else ""


def _clipped_tokens(rows: Sequence[Row]) -> str:
    share = sum(course(rows, key)[1] for key in ("policy/clip_low_rate", "policy/clip_high_rate"))
    text = (
        f"the ratio clip acts on {share:.0%} of the tokens; the policy moves too far within one batch: lower "
        "optimizer.lr or loss.reuse, or raise mini_prompts"
    )
    return text if share > 0.2 else ""


def _mismatch(rows: Sequence[Row]) -> str:
    nats = number(rows[-1], "mismatch/mean_abs")
    text = (
        f"the log-probs of engine and trainer differ by {nats:.3f} nats per token on average, so the gradient is "
        "off-policy: with asynchronous rollouts lower rollout.ahead or optimizer.lr; or compare the dtypes and the "
        "sampling settings of the engine with rollout.temperature and rollout.top_p"
    )
    return text if nats > 0.05 else ""


def _no_signal(rows: Sequence[Row]) -> str:
    kept = values(rows[-WINDOW:], "group/kept_rate")
    text = (
        f"no group of the last {WINDOW} steps had both right and wrong answers, so nothing is learned: the problems "
        "are all too easy or all too hard for this policy"
    )
    return text if kept == [0.0] * WINDOW else ""


def _verifier_errors(rows: Sequence[Row]) -> str:
    count = number(rows[-1], "reward/verifier_errors")
    text = (
        f"the verifier failed on {count:.0f} responses, which are excluded from training: `or1-reward grade` shows "
        "why, `or1-reward doctor` checks the sandbox"
    )
    return text if count > 0 else ""


def _reward_failed(rows: Sequence[Row]) -> str:
    counts = {name: int(rows[-1][f"rewards/{name}.failed"]) for name in names(rows[-1:], "rewards/", ".failed")}
    failed = ", ".join(f"{name} on {count}" for name, count in counts.items() if count)
    text = (
        f"a reward failed on responses, which are excluded from training: {failed}; in the sampled rollouts its value "
        "is null there"
    )
    return text if failed else ""


_TROUBLES = {
    "not finite": _not_finite,
    "entropy collapse": _entropy_collapse,
    "entropy blow-up": _entropy_blow_up,
    "truncation": _truncation,
    "clipped tokens": _clipped_tokens,
    "mismatch": _mismatch,
    "no signal": _no_signal,
    "verifier errors": _verifier_errors,
    "reward failed": _reward_failed,
}
"""Name of an alarm -> its text where it holds, else ""."""
