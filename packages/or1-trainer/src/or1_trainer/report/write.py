"""`report.html`: one or several runs on one page that needs no network, no script and no other file."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from or1_trainer.live.progress import duration
from or1_trainer.metrics.alarms import alarms_of
from or1_trainer.metrics.files import replace_file
from or1_trainer.report.charts import PLOTS, is_drawn, phase_seconds, plot_chart, time_chart
from or1_trainer.report.charts import legend as chart_legend
from or1_trainer.report.page import chart_card, legend, page, table, tile
from or1_trainer.report.read_run import RunRecord, read_run
from or1_trainer.report.samples import samples
from or1_trainer.report.stages import HEAD, stage_rows
from or1_trainer.report.svg import draw

_EDGE_STEPS = 10


def write_report(run_dirs: Sequence[Path], out: Path) -> None:
    """Write the report of the runs, overlaid where there are several; partial and killed runs are fine.

    Args:
        run_dirs: run folders, in the order of their colours.
        out: the HTML file, replaced in one rename.

    Raises:
        RunFolderError: a folder is no run folder, a file in it is damaged, or `out` cannot be written.
        ValueError: no run given.
    """
    if not run_dirs:
        raise ValueError("a report needs at least one run folder")
    runs = [read_run(path) for path in run_dirs]
    title = runs[0].name if len(runs) == 1 else f"{len(runs)} runs"
    replace_file(out, page(f"OR1 · {title}", _body(title, runs)).encode("utf-8", errors="replace"))


def _body(title: str, runs: Sequence[RunRecord]) -> str:
    parts = [f"<h1>{escape(title)}</h1>", f'<p class="soft">{escape(_subtitle(runs))}</p>']
    colours = legend([(run.name, i, 0) for i, run in enumerate(runs)])
    parts.append(f'<div class="tiles">{_tiles(runs[0])}</div>' if len(runs) == 1 else colours)
    parts.append(f"<h2>Before and after</h2>{_before_after(runs)}")
    parts += [f"<h2>Stages{_of(run, runs)}</h2>{table(HEAD, rows)}" for run in runs if (rows := stage_rows(run))]
    parts.append(f'<h2>Course of training</h2><div class="charts">{_charts(runs)}</div>')
    parts += [f"<h2>Alarms{_of(run, runs)}</h2>{_alarms(run)}" for run in runs]
    parts += [f"<h2>Sampled rollouts{_of(run, runs)}</h2>{samples(run.rollouts)}" for run in runs]
    parts.append(f"<h2>Settings</h2>{_settings(runs)}")
    parts += [f"<h2>Versions{_of(run, runs)}</h2>{_versions(run)}" for run in runs if run.versions]
    return "\n".join(parts)


def _of(run: RunRecord, runs: Sequence[RunRecord]) -> str:
    return f" of {escape(run.name)}" if len(runs) > 1 else ""


def _subtitle(runs: Sequence[RunRecord]) -> str:
    if len(runs) > 1:
        return "Overlaid; each run has its colour."
    run, steps = runs[0], _train_steps(runs[0])
    planned = _planned_steps(run)
    if not run.rows:
        return "No step is finished yet."
    state = "finished" if planned and steps >= planned else "so far"
    return f"{steps} {f'of {planned} ' if planned else ''}steps {state}, in {run.path}"


def _tiles(run: RunRecord) -> str:
    evals, rewards = run.points("eval/avg"), run.points("reward/mean")
    truncated, entropy = run.points("reward/truncated_rate"), run.points("policy/entropy")
    total_s = sum(seconds for _, seconds in run.points("time/step_s"))
    tiles = []
    if evals:
        tiles.append(tile(f"held-out {_avg_name(run)}", _change(evals[:1], evals[-1:]), "before → after"))
    if rewards:
        tiles.append(tile("reward", _change(*_edges(rewards)), _edge_note(rewards)))
    if truncated:
        tiles.append(tile("clip ratio (truncated)", _change(*_edges(truncated)), _edge_note(truncated)))
    if entropy:
        target = run.setting("entropy.target")
        tiles.append(tile("entropy", _change(*_edges(entropy)), "nats" + (f", target {target}" if target else "")))
    if total_s:
        tiles.append(tile("time in steps", duration(total_s), f"{total_s / max(_train_steps(run), 1):.2f} s a step"))
    return "".join(tiles)


def _before_after(runs: Sequence[RunRecord]) -> str:
    """First and last evaluation of each run, with the interval of each."""
    rows = []
    for run in runs:
        evals = [row for row in run.rows if isinstance(row.get("eval/avg"), int | float)]
        if evals:
            change = _finite(evals[-1], "eval/avg") - _finite(evals[0], "eval/avg")
            rows.append([run.name, _avg_name(run), _scored(evals[0]), _scored(evals[-1]), f"{change:+.3f}"])
    if not rows:
        return '<p class="soft">No evaluation is finished yet.</p>'
    return table(["run", "measure", "before", "after", "change"], rows)


def _alarms(run: RunRecord) -> str:
    rows = [[str(alarm.step), alarm.name, alarm.text] for alarm in alarms_of(run.rows)]
    return table(["step", "alarm", "what to do"], rows) if rows else '<p class="soft">None.</p>'


def _charts(runs: Sequence[RunRecord]) -> str:
    cards = []
    for plot in PLOTS:
        chart = plot_chart(plot, runs)
        if is_drawn(plot, chart):
            cards.append(chart_card(plot.title, plot.caption, chart_legend(chart, plot, runs), draw(chart)))
    for run in runs:
        chart = time_chart(run)
        entries = [(f"{line.label} {share:.0%}", line.colour, 0) for line, share in _shares(run, chart.series)]
        if entries:
            cards.append(chart_card(f"Time per step{_of(run, runs)}", "Seconds, by phase.", entries, draw(chart)))
    return "".join(cards)


def _shares(run: RunRecord, series: Sequence[Any]) -> list[tuple[Any, float]]:
    sums = [sum(seconds for _, seconds in points) for points in phase_seconds(run).values()]
    return [(line, one / sum(sums)) for line, one in zip(series, sums, strict=True)]


def _settings(runs: Sequence[RunRecord]) -> str:
    """Every setting; with several runs, those that differ come first and stand out."""
    flat = [dict(_flattened(run.config)) for run in runs]
    keys = list(dict.fromkeys(key for settings in flat for key in settings))
    rows = [[key, *(settings.get(key, "–") for settings in flat)] for key in keys]
    rows.sort(key=lambda row: len(set(row[1:])) == 1)
    differing = frozenset(i for i, row in enumerate(rows) if len(set(row[1:])) > 1)
    if not rows:
        return '<p class="soft">config.toml is missing.</p>'
    head = ["setting", *(run.name if len(runs) > 1 else "value" for run in runs)]
    is_open = " open" if differing else ""
    return f"<details{is_open}><summary>{len(rows)} settings</summary>{table(head, rows, differing)}</details>"


def _versions(run: RunRecord) -> str:
    return table(["what", "version"], [[key, value] for key, value in _flattened(run.versions)])


def _flattened(tree: object, prefix: str = "") -> list[tuple[str, str]]:
    """Dotted key and value as text of every leaf; list items count from 0, as on the command line."""
    if isinstance(tree, Mapping):
        return [pair for key, value in tree.items() for pair in _flattened(value, f"{prefix}.{key}" if prefix else key)]
    if isinstance(tree, list) and any(isinstance(item, Mapping) for item in tree):
        return [pair for i, item in enumerate(tree) for pair in _flattened(item, f"{prefix}.{i}")]
    return [(prefix, str(tree))]


def _planned_steps(run: RunRecord) -> int:
    stages = run.setting("stages")
    return sum(stage.get("steps", 0) for stage in stages) if isinstance(stages, list) else 0


def _train_steps(run: RunRecord) -> int:
    return len(run.points("reward/mean"))


def _avg_name(run: RunRecord) -> str:
    k = run.setting("eval.k")
    return f"avg@{k}" if k else "avg@k"


def _edges(points: list[tuple[float, float]]) -> tuple[list[tuple[float, float]], list[tuple[float, float]]]:
    width = min(_EDGE_STEPS, max(len(points) // 2, 1))
    return points[:width], points[-width:]


def _edge_note(points: list[tuple[float, float]]) -> str:
    width = len(_edges(points)[0])
    return f"first {width} → last {width} steps" if width > 1 else "first → last step"


def _change(first: list[tuple[float, float]], last: list[tuple[float, float]]) -> str:
    return f"{_mean(first):.3f} → {_mean(last):.3f}"


def _mean(points: list[tuple[float, float]]) -> float:
    finite = [value for _, value in points if math.isfinite(value)]
    return sum(finite) / len(finite) if finite else math.nan


def _finite(row: Mapping[str, Any], key: str) -> float:
    value = row.get(key)
    return float(value) if isinstance(value, int | float) else math.nan


def _scored(row: Mapping[str, Any]) -> str:
    low, high = _finite(row, "eval/low"), _finite(row, "eval/high")
    interval = f" [{low:.3f}, {high:.3f}]" if math.isfinite(low) and math.isfinite(high) else ""
    return f"{_finite(row, 'eval/avg'):.3f}{interval} at step {row['step']}"
