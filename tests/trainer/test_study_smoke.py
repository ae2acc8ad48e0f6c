"""Every shipped study, two steps an arm on one small warm start; and the command around them."""

import json

import pytest
from msgspec.structs import replace

from or1_trainer.cli import main
from or1_trainer.commands.study import train_folder
from or1_trainer.config.load import read_recipe
from or1_trainer.errors import RunFolderError
from or1_trainer.study import execute
from or1_trainer.study.claim import read_study, study_names
from or1_trainer.study.results import store, write_pages
from or1_trainer.study.run_summary import is_finished, read_summary, summarize, write_summary
from or1_trainer.study.runs import plan_runs
from or1_trainer.train.build import run_folder
from or1_trainer.train.run_folder import claim_run_folder

SMALL = {
    "warm_start.hidden": 16, "warm_start.layers": 1, "warm_start.heads": 2, "warm_start.intermediate": 32,
    "warm_start.steps": 150, "warm_start.sequences": 16, "warm_start.lr": 1e-2,
    "rollout.batch_tokens": 65536, "checkpoint.every": 0,
    "warm_start.habits.hurry_share": 1.0, "warm_start.lettered.min_terms": 2, "warm_start.lettered.max_terms": 2,
    "data.lettered.min_terms": 2, "data.lettered.max_terms": 2,  # guesses of one sum: right now and then
}  # fmt: skip


@pytest.fixture(scope="module")
def room(tmp_path_factory):
    """One folder for the warm start and the runs of this module; studies share runs in it as they do for real."""
    folder = tmp_path_factory.mktemp("studies")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OR1_CACHE", str(folder / "cache"))
        yield folder


def finished(run, root):
    folder = run.folder(root)
    if not is_finished(folder, run.config):
        run_folder(claim_run_folder(folder, run.config))
    return folder


@pytest.mark.parametrize("name", study_names())
def test_a_small_version_of_the_study_runs_to_its_verdict(name, room):
    study = read_study(name)
    planned = plan_runs(study, [1], extra={**study.smoke, **SMALL})
    for run in planned:
        finished(run, room / "runs")
    book = room / f"book-{name}"
    store(study, planned, room / "runs", book)
    ((drawn, _),) = write_pages(book)
    assert drawn == study
    page = (book / f"{name}.md").read_text()
    assert all(f"| {arm.name} |" in page for arm in study.arms) and page.count("nan") == 0
    before = {path: path.read_bytes() for path in book.rglob("*.*")}
    write_pages(book)
    assert before == {path: path.read_bytes() for path in book.rglob("*.*")}


def test_equal_settings_are_one_run_and_other_settings_another():
    one, two = (plan_runs(read_study(name), [1, 2]) for name in ("off-policy-steps", "clip-higher"))
    keys = {(run.arm, run.seed): run.key for run in (*one, *two)}
    assert keys["4 mini-batches", 1] == keys["0.20", 1] != keys["0.25", 1]
    assert keys["on-policy", 1] != keys["on-policy", 2]
    assert len({run.key for run in one}) == len(one)


def test_on_another_recipe_a_run_has_the_number_format_of_the_machine():
    study = replace(read_study("temperature"), recipe="smollm2", settings={"eval.temperature": 0.6})
    assert read_recipe("smollm2")["model"]["dtype"] == "auto"
    assert {run.config.model.dtype for run in plan_runs(study, [1])} < {"float32", "bfloat16"}


def test_what_is_there_is_skipped_and_what_failed_is_named(room, monkeypatch):
    study = read_study("temperature")
    planned = plan_runs(study, [1], extra={**study.smoke, **SMALL})
    folder = finished(planned[0], room / "runs")
    before = (folder / "metrics.jsonl").read_bytes()
    said = []
    finished(planned[1], room / "runs")
    execute.execute(planned, room / "runs", train=train_folder, jobs=2, note=said.append)
    assert said == [f"2 runs, 2 of them finished; 2 at a time in {room / 'runs'}"]
    assert (folder / "metrics.jsonl").read_bytes() == before
    broken = plan_runs(study, [1], extra={**study.smoke, **SMALL, "model.path": "/nonexistent"})
    with pytest.raises(execute.StudyError, match="2 of 2 runs failed") as caught:
        execute.execute(broken, room / "broken", train=train_folder, jobs=2, note=said.append)
    assert "config.json is missing" in (room / "broken" / broken[0].key / execute.LOG).read_text()
    assert execute.LOG in str(caught.value)


def test_a_run_that_stopped_half_way_is_not_taken_for_a_result(room, tmp_path):
    study = read_study("temperature")
    run = plan_runs(study, [1], extra={**study.smoke, **SMALL})[0]
    folder = finished(run, room / "runs")
    half = tmp_path / "half"
    half.mkdir()
    (half / "metrics.jsonl").write_text("".join((folder / "metrics.jsonl").read_text().splitlines(keepends=True)[:2]))
    assert is_finished(folder, run.config) and not is_finished(half, run.config)
    with pytest.raises(RunFolderError, match="not finished"):
        summarize(half, run.config)


def test_stored_accuracy_is_that_of_the_metrics(room, tmp_path):
    study = read_study("temperature")
    run = plan_runs(study, [1], extra={**study.smoke, **SMALL})[0]
    folder = finished(run, room / "runs")
    write_summary(summarize(folder, run.config), tmp_path / "r.json")
    rows = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    said = [row["eval/avg"] for row in rows if "eval/avg" in row]
    assert read_summary(tmp_path / "r.json").accuracies == pytest.approx(said)


def test_the_command_lists_and_names_what_it_does_not_know(capsys, tmp_path):
    assert main(["study", "list"]) == 0
    assert "adaptive-entropy" in capsys.readouterr().out
    assert main(["study", "clip-hihger"]) == 2
    assert "did you mean clip-higher" in capsys.readouterr().err
    assert main(["study", "clip-higher", "--optimizer.rl", "1"]) == 2
    assert main(["study", "report", "--out", str(tmp_path)]) == 1
