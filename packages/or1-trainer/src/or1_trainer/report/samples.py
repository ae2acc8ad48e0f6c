"""The report's sampled rollouts: what was asked, what was answered, the verdict, and the advantage it earned."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import TypeVar

from or1_trainer.metrics.rollout_log import RolloutRecord, read_rollouts

T = TypeVar("T")

_MOST_STEPS = 8
_MOST_GROUPS = 2
_MOST_RESPONSES = 6
_MOST_CHARACTERS = 3000


def samples(files: Sequence[tuple[int, Path]]) -> str:
    """Markup of up to 8 steps spread over the run, the last one open; of each up to two groups."""
    if not files:
        return '<p class="soft">No rollouts were kept.</p>'
    return "".join(_step(step, path, is_open=step == files[-1][0]) for step, path in spread(files, _MOST_STEPS))


def spread(items: Sequence[T], most: int) -> list[T]:
    """At most `most` of the items, evenly spread, the first and the last among them."""
    if len(items) <= most:
        return list(items)
    return [items[round(i * (len(items) - 1) / (most - 1))] for i in range(most)]


def _step(step: int, path: Path, *, is_open: bool) -> str:
    groups: dict[str, list[RolloutRecord]] = {}
    for record in read_rollouts(path):
        groups.setdefault(record.problem_id, []).append(record)
    # A group with both right and wrong answers shows what the step learned from; show those first.
    shown = sorted(groups.values(), key=lambda group: -len({record.reward for record in group}))[:_MOST_GROUPS]
    body = "".join(map(_group, shown))
    return f"<details{' open' if is_open else ''}><summary>Step {step}</summary>{body}</details>"


def _group(group: list[RolloutRecord]) -> str:
    ranked = sorted(group, key=lambda record: (-(record.advantage or 0.0), record.num_tokens))
    cards = "".join(map(_response, spread(ranked, _MOST_RESPONSES)))
    solved = sum(record.reward == 1.0 for record in group)
    about = f"problem {group[0].problem_id} · {solved} of {len(group)} solved"
    return (
        f'<div class="prompt"><span class="soft small">{escape(about)}</span>'
        f'<pre>{_shortened(group[0].prompt)}</pre></div><div class="responses">{cards}</div>'
    )


def _response(record: RolloutRecord) -> str:
    css = "yes" if record.status == "correct" else "grey" if record.reward is None else "no"
    advantage = "not trained on" if record.advantage is None else f"advantage {record.advantage:+.2f}"
    about = f"{advantage} · {record.num_tokens} tokens · {record.finish_reason}"
    return (
        f'<div class="card"><span class="badge {css}">{escape(record.status.replace("_", " "))}</span> '
        f'<span class="soft small">{escape(about)}</span><pre>{_shortened(record.response)}</pre></div>'
    )


def _shortened(text: str) -> str:
    """Escaped; a long text keeps its beginning and its end, where the answer is."""
    if len(text) <= _MOST_CHARACTERS:
        return escape(text)
    half = _MOST_CHARACTERS // 2
    return f"{escape(text[:half])}\n… {len(text) - 2 * half} characters left out …\n{escape(text[-half:])}"
