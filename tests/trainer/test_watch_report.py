"""The report: right numbers in the right place, self-contained, and there for a run in any state."""

from __future__ import annotations

import json
import math
import re
import xml.etree.ElementTree as ET
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import asdict

from or1_trainer.errors import RunFolderError
from or1_trainer.metrics.log import MetricsLog
from or1_trainer.metrics.rollout_log import RolloutRecord
from or1_trainer.report.charts import PLOTS, phase_seconds, plot_chart, stage_bands, time_chart
from or1_trainer.report.read_run import read_run
from or1_trainer.report.series import Band, Chart, Series, moving_average
from or1_trainer.report.summary import stage_rows, tiles
from or1_trainer.report.svg import draw, ticks
from or1_trainer.report.write import write_report

CONFIG = """
name = "tiny"
seed = {seed}
[[stages]]
steps = 4
context_tokens = 48
[[stages]]
steps = 6
context_tokens = 96
[entropy]
mode = "adaptive"
target = 0.2
[eval]
k = 16
"""


def make_run(run_dir: Path, steps: int, *, seed: int = 0) -> Path:
    run_dir.mkdir()
    (run_dir / "config.toml").write_text(CONFIG.format(seed=seed))
    (run_dir / "versions.json").write_text(json.dumps({"python": "3.11.7", "packages": {"torch": "2.13.0"}}))
    log = MetricsLog(run_dir)
    log.append({"step": 0, "eval/avg": 0.25, "eval/low": 0.2, "eval/high": 0.3, "time/eval_s": 1.0})
    for step in range(1, steps + 1):
        row: dict[str, float | int | str] = {
            "step": step,
            "stage/index": 0 if step <= 4 else 1,
            "stage/context_tokens": 48 if step <= 4 else 96,
            "reward/mean": step / 10,
            "reward/truncated_rate": 1 / step,
            "policy/entropy": 0.5 / step,
            "policy/entropy_coef": 0.005,
            "response/length_mean": 20.0 + step,
            "optimizer/grad_norm": math.inf if step == 3 else 1.0,
            "time/rollout_s": 0.3,
            "time/update_s": 0.6,
            "time/sync_s": 0.1,
            "time/step_s": 1.0,
        }
        if step == steps:
            row |= {"eval/avg": 0.75, "eval/low": 0.7, "eval/high": 0.8}
        log.append(row)
    log.close()
    return run_dir


def keep(run_dir: Path, step: int, records: list[RolloutRecord]) -> None:
    (run_dir / "rollouts").mkdir()
    lines = [json.dumps(asdict(record)) + "\n" for record in records]
    (run_dir / "rollouts" / f"step_{step:06d}.jsonl").write_text("".join(lines))


class Page(HTMLParser):
    """Tags that stay open, addresses referred to, and visible text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open_tags: list[str] = []
        self.addresses: list[str] = []
        self.tags: set[str] = set()
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.addresses += [value for name, value in attrs if name in ("src", "href")]
        if tag not in ("meta", "br"):
            self.open_tags.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.add(tag)

    def handle_endtag(self, tag):
        assert self.open_tags.pop() == tag

    def handle_data(self, data):
        if not self.open_tags or self.open_tags[-1] != "style":
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


def report(tmp_path: Path, *runs: Path) -> Page:
    out = tmp_path / "report.html"
    write_report(runs, out)
    page = Page(out.read_text())
    assert page.open_tags == []
    return page


def test_one_run_shows_before_and_after_with_intervals(tmp_path):
    text = report(tmp_path, make_run(tmp_path / "run-a", 10)).text
    assert "0.250 [0.200, 0.300] at step 0" in text
    assert "0.750 [0.700, 0.800] at step 10" in text
    assert "+0.500" in text
    assert "avg@16" in text
    assert "10 of 10 steps finished" in text
    assert "target 0.2" in text
    assert "rollout 27%" in text  # 3.0 s of 11.0 s, the first evaluation included
    assert "stages.1.context_tokens" in text
    assert "packages.torch" in text


def test_a_run_whose_last_numbers_are_not_finite_does_not_look_unchanged(tmp_path):
    folder = make_run(tmp_path / "run-a", 10)
    log = MetricsLog(folder)
    for step in range(11, 31):
        log.append({"step": step, "reward/mean": 1.0, "policy/entropy": math.nan})
    log.append({"step": 31, "eval/avg": math.nan})
    log.close()
    found = {label: value for label, value, _ in tiles(read_run(folder))}
    assert found["held-out avg@16"] == "0.250 → nan"
    assert found["entropy"].endswith(" → nan") and not found["entropy"].startswith("nan")


def test_it_needs_no_network_and_runs_no_script(tmp_path):
    page = report(tmp_path, make_run(tmp_path / "run-a", 10))
    assert page.addresses == []
    assert "script" not in page.tags
    assert "link" not in page.tags
    assert not re.search(r"url\(|@import", (tmp_path / "report.html").read_text())


def test_several_runs_are_overlaid_and_what_differs_is_marked(tmp_path):
    runs = [make_run(tmp_path / "run-a", 10, seed=1), make_run(tmp_path / "run-b", 6, seed=2)]
    page = report(tmp_path, *runs)
    assert "run-a" in page.text
    assert "run-b" in page.text
    marked = re.findall(r'<tr class="differs">(.*?)</tr>', (tmp_path / "report.html").read_text())
    assert [re.findall(r"<td>(.*?)</td>", row) for row in marked] == [["seed", "1", "2"]]
    chart = plot_chart(PLOTS[1], [read_run(path) for path in runs])
    assert [(line.color, len(line.points)) for line in chart.series] == [(0, 10), (1, 6)]


@pytest.mark.parametrize("steps", [0, 1, 2])
def test_young_runs_have_a_report(tmp_path, steps):
    page = report(tmp_path, make_run(tmp_path / "run-a", steps))
    assert not re.search(r"\bnan\b", page.text)
    assert f"{steps} of 10 steps so far" in page.text


def test_a_run_killed_at_any_byte_of_its_metrics_has_a_report(tmp_path):
    run = make_run(tmp_path / "run-a", 3)
    whole = (run / "metrics.jsonl").read_bytes()
    for size in range(0, len(whole), 7):
        (run / "metrics.jsonl").write_bytes(whole[:size])
        page = report(tmp_path, run)
        assert f"{max(whole[:size].count(10) - 1, 0)} of 10 steps so far" in page.text or "No step" in page.text


def test_a_run_with_nothing_but_an_empty_metrics_file(tmp_path):
    run = tmp_path / "run-a"
    run.mkdir()
    (run / "metrics.jsonl").write_bytes(b"")
    assert "No step is finished yet" in report(tmp_path, run).text


def test_a_folder_that_is_no_run_is_refused(tmp_path):
    with pytest.raises(RunFolderError, match=r"not a run folder.*give a folder"):
        write_report([tmp_path], tmp_path / "report.html")
    assert not (tmp_path / "report.html").exists()


def test_a_damaged_config_is_named(tmp_path):
    run = make_run(tmp_path / "run-a", 1)
    (run / "config.toml").write_text("name = ")
    with pytest.raises(RunFolderError, match=r"config\.toml: damaged"):
        write_report([run], tmp_path / "report.html")


def test_rollouts_are_readable_and_cannot_break_the_page(tmp_path):
    run = make_run(tmp_path / "run-a", 10)
    nasty = "</pre></div><script>alert(1)</script> &amp; \\boxed{4}"
    group = [
        RolloutRecord(
            problem_id="train-17",
            prompt="2 + 2 = <b>",
            response=nasty if sample == 0 else f"five {sample}",
            status="correct" if sample == 0 else "no_answer",
            reward=float(sample == 0),
            advantage=1.5 if sample == 0 else -0.5,
            finish_reason="stop" if sample == 0 else "length",
            num_tokens=9,
            seed=sample,
        )
        for sample in range(4)
    ]
    keep(run, 10, group)
    page = report(tmp_path, run)
    assert "script" not in page.tags
    assert nasty in page.text
    for part in ("problem train-17 · 1 of 4 solved", "2 + 2 = <b>", "no answer", "advantage +1.50", "advantage -0.50"):
        assert part in page.text
    assert page.text.index("five 1") > page.text.index("boxed{4}")  # the best answer comes first


def test_long_responses_keep_their_end_where_the_answer_is(tmp_path):
    run = make_run(tmp_path / "run-a", 1)
    record = RolloutRecord(
        problem_id="p",
        prompt="?",
        response="a" * 50_000 + "\\boxed{7}",
        status="correct",
        reward=1.0,
        advantage=None,
        finish_reason="stop",
        num_tokens=50_000,
        seed=0,
    )
    keep(run, 1, [record])
    text = report(tmp_path, run).text
    assert "\\boxed{7}" in text
    assert "47009 characters left out" in text
    assert "not trained on" in text


def test_stages_are_shaded_where_they_really_were(tmp_path):
    run = read_run(make_run(tmp_path / "run-a", 10))
    assert stage_bands([run]) == [
        Band(first=1, last=4, label="stage 1 · 48 tokens"),
        Band(first=5, last=10, label="stage 2 · 96 tokens"),
    ]


def test_phases_of_a_step_are_stacked_to_its_whole_time(tmp_path):
    run = read_run(make_run(tmp_path / "run-a", 10))
    assert list(phase_seconds(run)) == ["rollout", "update", "sync", "eval"]
    tops = re.findall(r'd="M[\d.]+ [\d.]+L([\d. L]+)L', draw(time_chart(run)))
    heights = [float(point.split()[1]) for point in tops[0].split("L")]  # the top slice is drawn first
    assert len(set(heights)) == 1  # 1.0 s of evaluation at step 0, 0.3 + 0.6 + 0.1 at each other step


def test_a_line_goes_through_its_points_at_scale():
    text = draw(Chart(series=[Series(label="a", points=[(0, 0.0), (5, 5.0), (10, 10.0)])]))
    (path,) = re.findall(r'class="line c0 dash0" d="([^"]+)"', text)
    (x0, y0), (x1, y1), (x2, y2) = [map(float, point.split()) for point in path[1:].split("L")]
    assert x0 < x1 < x2
    assert y0 > y1 > y2
    assert x1 - x0 == pytest.approx(x2 - x1, abs=0.11)
    assert y0 - y1 == pytest.approx(y1 - y2, abs=0.11)


def test_a_value_that_is_not_finite_breaks_the_line_and_is_marked():
    text = draw(Chart(series=[Series(label="a", points=[(1, 1.0), (2, math.nan), (3, 2.0), (4, 3.0)])]))
    (path,) = re.findall(r'class="line c0 dash0" d="([^"]+)"', text)
    assert (path.count("M"), path.count("L")) == (2, 1)
    assert text.count("not finite") == 1


steps_and_values = st.lists(st.tuples(st.integers(0, 5000), st.floats(width=32)), max_size=60)


@settings(max_examples=60, deadline=None)
@given(steps_and_values, st.booleans())
def test_any_values_give_well_formed_svg_within_its_box(points, stacked):
    points = sorted(dict(points).items())
    series = [Series(label="a <b>", points=points), Series(label="c", points=points[::2])]
    root = ET.fromstring(draw(Chart(series=series, stacked=stacked, bands=[Band(first=1, last=9, label="s & t")])))
    width, height = map(float, root.get("viewBox").split()[2:])
    for circle in root.iter("circle"):
        assert 0 <= float(circle.get("cx")) <= width
        assert 0 <= float(circle.get("cy")) <= height


@given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e6))
def test_ticks_are_few_and_inside(low, span):
    made = ticks(low, low + span, 6)
    assert 1 <= len(made) <= 6
    assert all(low - 1e-3 * span <= tick <= low + 1.001 * span for tick in made)


def test_ticks_are_round():
    assert ticks(0.0, 1.0, 6) == [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]
    assert ticks(1, 90, 9) == [20, 40, 60, 80]


def test_moving_average_leaves_a_straight_line_straight_away_from_its_ends():
    line = [(float(i), 2.0 * i) for i in range(20)]
    assert moving_average(line, 5)[2:-2] == line[2:-2]
    assert moving_average([(0.0, 1.0), (1.0, math.inf), (2.0, 3.0)], 3) == [(0.0, 2.0), (2.0, 2.0)]


def test_stages_are_in_a_table(tmp_path):
    run = make_run(tmp_path / "run", 7)
    rows = stage_rows(read_run(run))
    assert [row[0] for row in rows] == ["1", "2"] and [row[2] for row in rows] == ["1 to 4", "5 to 7"]
    assert rows[0][4] == "0.15 → 0.35" and rows[1][1] == "96 tokens"  # means of the first and the last two steps
    assert rows[0][-1] == "after all its steps" and rows[1][-1] == "not yet, 3 of 6 steps"
    assert "96 tokens" in report(tmp_path, run).text and "not yet, 3 of 6 steps" in report(tmp_path, run).text


def test_a_stage_that_converged_and_dropped_problems_are_in_the_table(tmp_path):
    (tmp_path / "config.toml").write_text(CONFIG.format(seed=0))
    log = MetricsLog(tmp_path)
    for step, (index, left, ended) in enumerate(((0, 60, 0.0), (0, 60, 1.0), (1, 41, None)), start=1):
        row = {"step": step, "stage/index": index, "stage/problems": left, "stage/context_tokens": 48}
        log.append(row if ended is None else {**row, "stage/ended": ended})
    log.close()
    first, second = stage_rows(read_run(tmp_path))
    assert first[-1] == "converged, after 2 of 4 steps" and second[3] == "41, 19 dropped"


@pytest.mark.parametrize(("key", "title"), [("kl/k3", "KL to the reference"), ("refill/rounds", "Refill")])
def test_charts_of_extensions_are_there_where_they_are_used(tmp_path, key, title):
    run = make_run(tmp_path / "run", 3)
    assert title not in report(tmp_path, run).text
    with (run / "metrics.jsonl").open("a") as file:
        file.write(json.dumps({"step": 4, "reward/mean": 0.5, key: 1.0, "rollout/staleness_max": 2}) + "\n")
    text = report(tmp_path, run).text
    assert title in text and "Age of the samples" in text
