"""`or1-eval view` in a real browser: opened as a file and served, sorted, filtered, clicked, narrow and wide, dark."""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from or1_eval import Problem, RunFolderError, Sampling, Task, evaluate, load_reports
from or1_eval.runs.log import read_log
from or1_eval.samples import sample_from_row
from or1_eval.view.report_page import shortened
from or1_eval.view.site import write_site

HAS_BROWSER = shutil.which("chromium") is not None and shutil.which("chromedriver") is not None
BROWSER = pytest.mark.skipif(not HAS_BROWSER, reason="needs Debian's chromium and chromium-driver")
ODD = "</pre><script>window.hacked = 1</script><img src=x onerror='window.hacked = 2'>"
K = 6


def answer(prompt: Any, seed: int) -> str:
    """A reasoning response with a formula; right for low numbers more often."""
    number = int(str(prompt).partition("+ ")[2].partition("$")[0])
    right = seed % 10 >= number
    reasoning = f"<think>\nLet $x_{{{seed}}} = 1$. {ODD}\n</think>"
    return f"{reasoning}\n\nSo $\\frac{{1}}{{2}}$ and \\boxed{{{number + (not right)}}}."


def better(prompt: Any, seed: int) -> str:
    return answer(prompt, seed | 8 if seed % 3 else seed)


MATHS = Task(
    name="maths",
    problems=tuple(Problem(id=f"m{n}", prompt=f"What is $0 + {n}$? {ODD}", ground_truth=str(n)) for n in range(8)),
    k=K,
)
TESTS = {"inputs": ["2\n", "5\n"], "outputs": ["4\n", "10\n"]}
CODE = Task(
    name="code",
    problems=(Problem(id="double", prompt="Print 2n.", ground_truth=TESTS),),
    k=2,
    votes=False,
    sampling=Sampling(max_new_tokens=100),
)  # fmt: skip


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("runs")
    evaluate(MATHS, answer, run_dir=folder / "base", model="base")
    evaluate(CODE, lambda prompt, seed: f"```python\nprint({2 + seed % 2} * int(input()))\n# ${seed}$\n```",
             run_dir=folder / "base", model="base")  # fmt: skip
    evaluate(MATHS, better, run_dir=folder / "mine", model="mine")
    return folder / "base", folder / "mine"


@pytest.fixture(scope="module")
def page(runs: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_site(runs, tmp_path_factory.mktemp("site") / "view")


def find(browser: Any, selector: str) -> Any:
    return browser.find_element("css selector", selector)


def click(browser: Any, selector: str) -> None:
    """Click what is there now: the page may put another element of the same kind in its place meanwhile."""
    from selenium.common.exceptions import StaleElementReferenceException
    from selenium.webdriver.support.ui import WebDriverWait

    patient = WebDriverWait(browser, 20, ignored_exceptions=(StaleElementReferenceException,))
    patient.until(lambda page: find(page, selector).click() is None)


def all_of(browser: Any, selector: str) -> list[Any]:
    found: list[Any] = browser.find_elements("css selector", selector)
    return found


def problem_names(browser: Any) -> list[str]:
    return [row.get_attribute("data-problem") for row in all_of(browser, "#problems tbody tr")]


def shows(browser: Any, expected: set[str]) -> bool:
    """Whether the table comes to hold these problems; a browser reports a choice a moment later."""
    deadline_s = time.monotonic() + 10
    while set(problem_names(browser)) != expected and time.monotonic() < deadline_s:
        time.sleep(0.02)
    return set(problem_names(browser)) == expected


def choose(browser: Any, selector: str, value: str) -> None:
    from selenium.webdriver.support.ui import Select

    Select(find(browser, selector)).select_by_value(value)


def open_page(browser: Any, address: str) -> None:
    browser.get("about:blank")
    browser.get(address)
    find(browser, "#problems tbody tr")


@BROWSER
def test_a_page_that_is_worked_with(browser: Any, page: Path, runs: tuple[Path, Path]) -> None:
    open_page(browser, page.as_uri())
    reports = [load_reports(run)["maths"] for run in runs]
    assert problem_names(browser) == [f"m{n}" for n in range(8)]

    find(browser, "[data-sort=acc0]").click()
    by_accuracy = sorted(reports[0].problems, key=lambda p: (p.accuracy, p.id))
    assert problem_names(browser) == [p.id for p in by_accuracy]
    find(browser, "[data-sort=acc0]").click()
    assert problem_names(browser)[0] == max(reports[0].problems, key=lambda p: p.accuracy).id

    find(browser, "[data-sort=diff1]").click()
    difference = {a.id: round(b.accuracy - a.accuracy, 4) for a, b in zip(*(r.problems for r in reports), strict=True)}
    assert problem_names(browser) == sorted(difference, key=lambda name: (difference[name], name))
    row = find(browser, "tr[data-problem=m5]").text
    assert f"{100 * difference['m5']:+.1f}".replace("+0.0", "0.0") in row

    choose(browser, "#verdict", "correct")
    assert shows(browser, {p.id for r in reports for p in r.problems if p.num_correct})
    choose(browser, "#solved", "differs")
    right = {p.id for r in reports for p in r.problems if p.num_correct}
    assert shows(browser, {name for name in right if difference[name]})
    choose(browser, "#solved", "")
    choose(browser, "#verdict", "")
    find(browser, "#search").send_keys("m3")
    assert shows(browser, {"m3"})


@BROWSER
def test_every_sample_is_reached_by_clicks(browser: Any, page: Path, runs: tuple[Path, Path]) -> None:
    open_page(browser, page.as_uri())
    stored = {(row["problem"], row["sample"]): sample_from_row(row) for row in read_log(runs[1] / "samples.jsonl")}
    reached = 0
    for name in ("m0", "m4"):
        find(browser, f"tr[data-problem={name}]").click()
        for index in range(K):
            click(browser, f"[data-run='1'] [data-sample='{index}']")
            sample = stored[name, index]
            assert sample.verdict is not None
            find(browser, f"[data-run='1'] [data-sample='{index}'][aria-pressed=true]")
            assert find(browser, "#sample b").text == sample.verdict.status
            assert sample.verdict.detail.split()[0] in find(browser, "#reason").text
            assert len(all_of(browser, ".answer .katex")) == 2, "the formula and the bare box are rendered"
            fold = find(browser, "details.reasoning")
            assert fold.get_attribute("open") is None
            reached += 1
    find(browser, "details.reasoning summary").click()
    subscript = re.search(r"x_\{(\d+)\}", sample.text)
    formula = find(browser, "details.reasoning .katex-html").text.replace("\n", "").replace("\u200b", "")
    assert subscript is not None and f"x{subscript[1]}=1" == formula
    assert ODD in find(browser, "details.reasoning").text, "markup of a response is text"
    assert browser.execute_script("return window.hacked === undefined")
    assert reached == 2 * K
    find(browser, "#source").click()
    assert "\\frac{1}{2}" in find(browser, ".answer").text


@BROWSER
def test_an_address_leads_back_to_its_sample(browser: Any, page: Path) -> None:
    open_page(browser, page.as_uri() + "#maths/m2/mine/3")
    assert find(browser, "[data-run='1'] [data-sample='3'][aria-pressed=true]").is_displayed()
    assert find(browser, "#detail h2").text == "m2"
    find(browser, "[data-run='0'] [data-sample='1']").click()
    assert browser.current_url.endswith("#maths/m2/base/1")
    browser.back()
    find(browser, "[data-run='1'] [data-sample='3'][aria-pressed=true]")


@BROWSER
def test_a_failing_test_of_a_program_is_shown(browser: Any, page: Path, runs: tuple[Path, Path]) -> None:
    open_page(browser, page.as_uri() + "#code/double")
    stored = [sample_from_row(row) for row in read_log(runs[0] / "samples.jsonl") if row["task"] == "code"]
    wrong = next(sample for sample in stored if sample.reward == 0.0)
    find(browser, f"[data-run='0'] [data-sample='{wrong.index}']").click()
    find(browser, f"[data-sample='{wrong.index}'][aria-pressed=true]")
    cells = [cell.text.strip() for cell in all_of(browser, ".tests td")]
    assert cells[1:4] == ["2", "4", "6"]
    assert f"# ${wrong.seed}$" in find(browser, ".answer pre").text, "dollars in a program are no formula"


@BROWSER
@pytest.mark.parametrize("width", [420, 2000])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_narrow_and_wide_in_both_themes(browser: Any, page: Path, width: int, theme: str, tmp_path: Path) -> None:
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride", {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    )
    browser.execute_cdp_cmd(
        "Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": theme}]}
    )
    try:
        open_page(browser, page.as_uri() + "#maths/m2/mine/3")
        find(browser, "#sample")
        assert browser.execute_script("return document.documentElement.scrollWidth") <= width, "no sideways scrolling"
        background = browser.execute_script("return getComputedStyle(document.body).backgroundColor")
        levels = [int(level) for level in re.findall(r"\d+", background)[:3]]
        assert (max(levels) < 60) == (theme == "dark")
        aside = find(browser, "#detail").rect["x"] > find(browser, "#list").rect["x"] + 100
        assert aside == (width == 2000), "beside the table where there is room, else below it"
        assert not [entry for entry in browser.get_log("browser") if entry["level"] == "SEVERE"]
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


@BROWSER
def test_it_is_served_and_killed(browser: Any, runs: tuple[Path, Path], tmp_path: Path) -> None:
    script = str(Path(sys.executable).parent / "or1-eval")
    process = subprocess.Popen(
        [script, "view", str(runs[0]), "-o", str(tmp_path / "v"), "--serve"], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline().strip() == str(tmp_path / "v" / "index.html")
        address = process.stdout.readline().split()[0]
        open_page(browser, address)
        assert len(problem_names(browser)) == 8
        assert find(browser, "#pass-curve").is_displayed()
    finally:
        process.send_signal(signal.SIGINT)
    assert process.wait(10) == 0


def test_a_folder_with_other_files_is_left_alone(runs: tuple[Path, Path], tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(RunFolderError, match="holds other files"):
        write_site(runs, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_the_site_holds_every_sample_whole_and_is_rewritten(runs: tuple[Path, Path], tmp_path: Path) -> None:
    for _ in range(2):
        page = write_site(runs, tmp_path / "view")
    found = {}
    for path in page.parent.glob("data/t*/p*.js"):
        name, problem = json.loads(f"[{path.read_text().removeprefix('OR1.add(').removesuffix(');' + chr(10))}]")
        assert path == page.parent / "data" / f"{name}.js"
        for run, samples in zip(("base", "mine"), problem["samples"], strict=True):
            found |= {(run, problem["id"], sample["index"]): sample["text"] for sample in samples}
    expected = {
        (run.name, row["problem"], row["sample"]): row["text"]
        for run in runs
        for row in read_log(run / "samples.jsonl")
    }
    assert found == expected and len(expected) == 2 * 8 * K + 2
    assert (page.parent / "assets" / "katex" / "LICENSE").is_file()


def test_the_report_has_every_sample_and_no_script(runs: tuple[Path, Path]) -> None:
    page = (runs[0] / "report.html").read_text()
    assert page.count('<details class="sample') == 8 * K + 2
    assert "<script" not in page and "-1 tokens" not in page
    assert page.count("<svg") == 2, "accuracy of two tasks; lengths were not counted"
    assert "m3, sample 2: " in page and "m3, sample 2," not in page


def test_a_long_text_is_shortened_in_its_middle() -> None:
    assert shortened("a" * 50 + "b" * 50, 20) == "a" * 10 + "\n\n[80 characters left out]\n\n" + "b" * 10
    assert shortened("short", 20) == "short"
