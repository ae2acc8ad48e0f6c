"""The report of a run as a reader sees it, and measurements that are bought once."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from or1_data import SourceError, make_problem, write_problems
from or1_data.io.hub import push
from or1_data.report.formulas import rendered
from or1_data.run import run_recipe
from or1_data.run.recipe import recipe_from
from or1_data.schema import Problem
from or1_data.select import SelectSettings, reasons

SAMPLER = """
class Scripted:
    '''Solves a statement as often as its first word says, in quarters.'''
    def sample(self, prompts, counts, first_attempts):
        groups = []
        for prompt, count, first in zip(prompts, counts, first_attempts):
            rate = int(prompt[-1]["content"].split()[0])
            groups.append(["right" if (first + n) % 4 < rate else "wrong" for n in range(count)])
        return groups

def verify(response, ground_truth):
    return type("V", (), {"status": "x", "reward": float(response == "right"), "extracted": response})()
"""
SUBJECTS = tuple("boats carts lamps coins books chairs stones kites ropes bowls drums tiles".split())  # noqa: SIM905


def problem(rate: int, subject: str, text: str = "") -> Problem:
    who, what = subject[::-1], subject[1:]
    words = f"{rate} {subject} were counted by {who} on the quay; how many {subject} are {what} now? {text}"
    return make_problem(words, "1", ability="math", data_source=f"set-{rate % 2}")


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "scripted_sampler.py").write_text(SAMPLER)
    monkeypatch.syspath_prepend(str(tmp_path))
    rows = [problem(n % 5, subject) for n, subject in enumerate(SUBJECTS)]
    rows.append(problem(2, "flags", "See https://x.org/f ."))
    rows.append(make_problem(rows[2].statement.replace(" ", "  "), "1", ability="math", data_source="set-0"))
    write_problems(tmp_path / "in.jsonl", rows)
    with (tmp_path / "in.jsonl").open("a") as stream:
        stream.write("{broken\n")
    write_problems(tmp_path / "bench.jsonl", [rows[6]])
    data = {
        "name": "told",
        "source": [{"path": str(tmp_path / "in.jsonl"), "adapter": "or1"}],
        "decontaminate": {"benchmarks": [str(tmp_path / "bench.jsonl")]},
        "difficulty": {
            "model": "m",
            "attempts": 4,
            "stop": "full",
            "sampler": "scripted_sampler:Scripted",
            "verifier": "scripted_sampler:verify",
        },
        "select": {"model": "m", "suspect_gold": False},
    }
    run_recipe(recipe_from(data), tmp_path / "run", progress=False)
    return tmp_path / "run"


def test_the_funnel_is_told_in_the_order_of_the_stages_and_adds_up(run: Path) -> None:
    text = (run / "report.md").read_text()
    rows = re.findall(r"^\| (rows in|- \S+|kept) \|.* (\d+) \| [^|]*\|$", text, re.M)
    names = [name for name, _ in rows]
    wanted = ["rules:url", "dedup:exact", "decontaminate:verbatim", "difficulty:too_easy", "difficulty:too_hard"]
    assert names == ["rows in", *(f"- {name}" for name in wanted), "kept"]
    counts = [int(count) for _, count in rows]
    assert counts[0] == 14 and counts[0] - sum(counts[1:-1]) == counts[-1] == len(
        (run / "problems.jsonl").open().readlines()
    )
    assert "difficulty:not_measured" not in text, "rows that were dropped before are passed by, not missing"


def test_a_reader_sees_evidence_meanings_plots_and_broken_rows(run: Path) -> None:
    page, text = (run / "report.html").read_text(), (run / "report.md").read_text()
    assert "contains a link" in page and "<mark>https://x.org/f</mark>" in page
    assert "| in | in.jsonl | 15 |" in text and "Broken rows: 1 of 1" in text
    pairs = re.findall(
        r'<div class="pair"><div class="text">(.*?)</div><div class="text">(.*?)</div></div>', page, re.S
    )
    assert (
        len(pairs) == 2 and "Samples of kept rows" in page and all(one.split() == other.split() for one, other in pairs)
    ), "a copy and an overlap"
    chart = text.split("### share of attempts solved by m")[1].split("\n### ")[0]
    bars = {label: int(count) for label, count in re.findall(r"^ +([\d.]+) #* ?(\d+)$", chart, re.M)}
    assert bars == {"0.00": 3, "0.25": 2, "0.50": 2, "0.75": 2, "1.00": 2}
    assert page.count("<svg") == text.count("```") // 2 and "<script" not in page and "<h1>told: " in page


def test_evidence_is_told_in_words_and_difficulty_by_source(run: Path) -> None:
    page, text = (run / "report.html").read_text(), (run / "report.md").read_text()
    assert "why: `In the statement: “https://x.org/f”.`" in text
    assert "why: `Shares 100% of its word sequences with " in text and "of set-0, which stays.`" in text
    assert re.search(r"why: `bench, bench.jsonl#1, score 1\.00: 100% of the row's word sequences are in the item", text)
    assert "why: `m solves it in 4 of 4 attempts.`" in text and "wrong answers: wrong (4)" in text
    assert "{" not in "".join(line for line in text.splitlines() if "why:" in line), "no JSON"
    table = text.split("## Difficulty by source")[1].split("\n## ")[0]
    rows = {cells[1]: cells[2:] for line in table.splitlines() if (cells := line.split(" | ")) and "set-" in line}
    counts = {line.split(" | ")[0].strip("| "): line.strip("| ").split(" | ")[1:] for line in table.splitlines()}
    assert rows and counts["set-0"] == ["3", "2", "0", "2", "0", "2", "0", "0"], "rates 0, 2 and 4 of 4"
    assert counts["set-1"] == ["0", "2", "2", "0", "0", "2", "2", "0"]
    cost = re.search(r"<td>difficulty</td>.*?</tr>", page, re.S)
    assert cost and re.findall(r"<td>([\d,.]+)</td>", cost[0])[-3:] == ["14", "44", "0"], "rows, attempts, tokens"


def test_all_rows_of_a_reason_are_on_pages(tmp_path: Path) -> None:
    texts = [f"Case {n}: is $x_{{{n}}}$ with {n * 7919} and {n * 104729} at https://x.org/{n} ?" for n in range(120)]
    write_problems(tmp_path / "a.jsonl", [make_problem(t, "1", ability="math", data_source="s") for t in texts])
    data = {"source": [{"path": str(tmp_path / "a.jsonl"), "adapter": "or1"}], "guard": {"allow": ["s"]}}
    run_recipe(recipe_from(data), tmp_path / "run", progress=False)
    page = (tmp_path / "run/report.html").read_text()
    links = re.findall(r'href="(report/[^"]+)"', page)
    assert links == [f"report/rules-url-{n}.html" for n in (1, 2, 3)]
    pages = [(tmp_path / "run" / link).read_text() for link in links]
    shown = [re.findall(r"<mark>https://x.org/(\d+)</mark>", text) for text in pages]
    assert [len(one) for one in shown] == [50, 50, 20] and len({n for one in shown for n in one}) == 120
    assert pages[1].count('href="rules-url-1.html"') == pages[1].count('href="rules-url-3.html"') == 2
    assert all(
        text.count("<math") == len(one) and "<script" not in text for text, one in zip(pages, shown, strict=True)
    )
    few = recipe_from(data | {"output": {"report_rows": 30}})
    run_recipe(few, tmp_path / "run", progress=False)
    assert [path.name for path in (tmp_path / "run/report").iterdir()] == ["rules-url-1.html"], "no page of before"
    assert "30 of 120 shown" in (tmp_path / "run/report.html").read_text()


@pytest.mark.parametrize(
    ("text", "mark", "wanted"),
    [
        ("Find $x^2$.", (0, 0), "Find <math|><mrow><msup><mi>x</mi><mn>2</mn></msup></mrow></math>."),
        ("It costs $5 and then $6 <b>", (0, 0), "It costs $5 and then $6 &lt;b&gt;"),
        ("$x$ and y", (4, 7), "<math|><mrow><mi>x</mi></mrow></math> <mark>and</mark> y"),
        ("a $x$ b", (0, 4), "<mark>a </mark><mark><math|><mrow><mi>x</mi></mrow></math></mark> b"),
        ("$\\frac{$", (0, 0), "$\\frac{$"),
        ("$\\text{<script>}$", (0, 0), "<math|><mrow><mtext>&lt;script&gt;</mtext></mrow></math>"),
        ("$\\href{javascript:f}{x}$", (0, 0), "<math|><mrow><mrow><mrow><mi>x</mi></mrow></mrow></mrow></math>"),
    ],
)
def test_formulas_are_drawn_and_everything_else_is_text(text: str, mark: tuple[int, int], wanted: str) -> None:
    found = str(rendered(text, *mark))
    assert re.sub(r"<math [^>]*>", "<math|>", found) == wanted


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            ["$", "$$", "\\[", "\\]", "\\(", "\\)", "{", "}", "\\frac", "\\text{<i>", "^", "_", "&", "x", " ", "5",
             "<i>",
             "\\left(", "\\begin{array}{c}", "\\end{array}", "\\sqrt[", "\\color{", "\\hspace{", "\\limits", "\\\\"]
        )
    ),
    st.integers(0, 20),
    st.integers(0, 20),
)  # fmt: skip
def test_any_text_is_shown_and_none_becomes_markup(pieces: list[str], start: int, end: int) -> None:
    found = str(rendered("".join(pieces), start, end))
    assert "<i" not in found and found.count("<mark>") == found.count("</mark>")


def test_the_report_names_every_reason_that_rows_can_have() -> None:
    from or1_data.report.meaning import REASONS
    from or1_data.rules.stage import RULES

    source = "".join(
        p.read_text() for p in Path(SelectSettings.__module__ and reasons.__code__.co_filename).parent.glob("*.py")
    )
    given = set(re.findall(r'"((?:answers|dedup|difficulty|judge):\w+)"', source)) | {f"rules:{rule}" for rule in RULES}
    assert len(given) > 15 and given <= REASONS.keys()


def test_a_missing_measurement_counts_only_where_nothing_else_does() -> None:
    sound, linked = problem(1, "boats"), problem(1, "boats").with_note("rules", [{"rule": "url"}])
    select = SelectSettings(model="m", min_votes=9)
    assert reasons(sound, select) == ["difficulty:not_measured", "judge:not_asked"]
    assert reasons(linked, select) == ["rules:url"]


def test_other_servers_go_on_with_what_was_bought(run: Path) -> None:
    """Moving or adding servers changes no part's name; another model does."""
    from or1_data.run.fingerprint import fingerprint_of

    def key(**endpoint: object) -> str:
        settings = {"url": "http://127.0.0.1:1/v1", "model": "a", **endpoint}
        data = {"source": [{"path": "x"}], "difficulty": {"model": "m", "endpoint": settings}}
        return fingerprint_of("difficulty", recipe_from(data), ())

    assert key() == key(url="http://127.0.0.1:2/v1", replicas=["http://127.0.0.1:3/v1"], concurrency=4, timeout_s=9.0)
    assert len({key(), key(model="b"), key(temperature=0.5), key(max_tokens=9)}) == 4
    assert json.loads((run / "manifest.json").read_text())["stages"]["difficulty"]


def test_the_card_names_sources_splits_and_licenses(tmp_path: Path) -> None:
    rows = [{"problem": f"How many {subject} are there?", "answer": "1", "license": "MIT"} for subject in SUBJECTS]
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, rows)))
    recipe = {"name": "told", "source": [{"path": str(tmp_path / "a.jsonl"), "name": "counted"}], "split": {"train": 1}}
    run_recipe(recipe_from(recipe), tmp_path / "run", progress=False)
    card = (tmp_path / "run/README.md").read_text()
    assert "  - split: train\n    path: train.parquet\n" in card and "jsonl" not in card
    assert "| counted | 12 | 12 | MIT |" in card


def test_a_push_sends_the_files_and_the_card_and_nothing_else(tmp_path: Path, monkeypatch) -> None:
    """Against a stand-in of the hub's client: the hub itself is out of reach here."""
    hub = pytest.importorskip("huggingface_hub")
    sent = {}
    monkeypatch.setattr(hub.HfApi, "create_repo", lambda self, name, **options: sent.update(options, name=name))
    monkeypatch.setattr(hub.HfApi, "upload_folder", lambda self, **options: sent.update(options))
    assert push(tmp_path, ["train.parquet"], "me/mine").endswith("datasets/me/mine")
    assert sent["name"] == "me/mine" and sent["private"] and sent["repo_type"] == "dataset"
    assert sent["allow_patterns"] == ["train.parquet", "README.md", "manifest.json"]

    def refuse(self, *args: object, **options: object) -> None:
        raise OSError("401 you must log in")

    monkeypatch.setattr(hub.HfApi, "create_repo", refuse)
    with pytest.raises(SourceError, match="hf auth login"):
        push(tmp_path, [], "me/mine")
