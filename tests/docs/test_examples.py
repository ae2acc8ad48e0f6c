"""The programs and notebooks of examples/ run, and do what they say.

Those for libraries that are not installed here (inspect_ai, lighteval, Ray) run where these are; docs/examples.md says
when that was. TRL's runs in `.ci/run` in the environment of the group `bench`.
"""

from __future__ import annotations

import ast
import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import nbformat
import pytest
import torch
from nbclient import NotebookClient

from or1_trainer.algorithm.advantages import group_advantages

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


@pytest.fixture(autouse=True)
def examples_on_the_path(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.syspath_prepend(str(EXAMPLES))
    yield
    for path in EXAMPLES.glob("*.py"):
        sys.modules.pop(path.stem, None)


def load(name: str, *needs: str) -> ModuleType:
    """An example as a module; skipped where what it needs is not installed."""
    for need in needs:
        pytest.importorskip(need)
    return importlib.import_module(name)


def test_the_method_in_one_file_trains_from_problems_to_reports(capsys: pytest.CaptureFixture[str]) -> None:
    example = load("minimal_grpo")
    before, after = example.train(warm=5, steps=1, prompts=2, seed=0, questions=2)
    assert before.num_samples == after.num_samples == 8
    assert capsys.readouterr().out.count("sums: avg@4") == 2


def test_its_advantages_are_those_of_the_trainer() -> None:
    rewards_PG = torch.tensor([[1.0, 0.0, 0.0, 1.0], [1.0, 1.0, 1.0, 1.0], [0.0, 0.0, 0.0, 1.0]])
    everyone_PG = torch.ones_like(rewards_PG, dtype=torch.bool)
    expected_PG = group_advantages(rewards_PG, everyone_PG, ~everyone_PG)
    torch.testing.assert_close(load("minimal_grpo").group_advantages(rewards_PG), expected_PG)


def test_its_update_raises_what_was_better_and_moves_the_coefficient_towards_the_target() -> None:
    example = load("minimal_grpo")
    torch.manual_seed(0)
    tokenizer = example.character_tokenizer()
    model = example.small_model(tokenizer)
    prompt = tokenizer.encode("1+2=?")
    better, worse = tokenizer.encode(r"\boxed{3}"), tokenizer.encode(r"\boxed{4}")
    samples = [example.Sample(prompt, better, 1.0), example.Sample(prompt, worse, -1.0)]

    def difference() -> float:
        with torch.no_grad():
            logprobs_BT, _, mask_BT = example.token_stats(model, samples)
        first, second = (logprobs_BT * mask_BT).sum(1)
        return float(first - second)

    start = difference()
    entropy, coefficient = example.update(model, torch.optim.SGD(model.parameters(), lr=0.1), samples, 0.5)
    assert difference() > start
    assert entropy > example.ENTROPY_TARGET
    assert coefficient == pytest.approx(0.5 - example.ENTROPY_DELTA)


def test_the_rewards_for_verl_and_openrlhf_are_what_their_trainers_get() -> None:
    assert load("verl_reward").main() == [1.0, 0.0, 1.0]
    assert load("openrlhf_reward").main() == [1.0, 0.0]


def test_the_callback_evaluates_before_and_while_training() -> None:
    found = load("transformers_callback").main(steps=2, every=2)
    assert list(found) == [0, 2]


def test_inspect_ai_scores_by_the_verifier(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert load("inspect_ai_task", "inspect_ai").main() == 0.5


def test_lighteval_scores_by_the_verifier() -> None:
    assert load("lighteval_metric", "lighteval").main() == pytest.approx(2 / 3)


def test_ray_grades_as_one_process_does() -> None:
    assert load("ray_verify", "ray").main([]) == {"correct": 100, "wrong": 100}


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.py")), ids=lambda path: path.stem)
def test_every_example_says_how_it_is_run(path: Path) -> None:
    text = ast.get_docstring(ast.parse(path.read_text()))
    assert text
    assert f"examples/{path.name}" in text


def printed(notebook: nbformat.NotebookNode) -> list[str]:
    """What each cell prints, in however many messages; pictures are left out, as tests draw none."""
    return ["".join(output.get("text", "") for output in cell.get("outputs", [])) for cell in notebook.cells]


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.ipynb")), ids=lambda path: path.stem)
def test_notebooks_print_what_they_show(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    shown = printed(notebook)
    assert any(shown), "a notebook is stored with its outputs"
    folder = {"metadata": {"path": str(EXAMPLES)}}
    NotebookClient(notebook, timeout=60, kernel_name="python3", resources=folder).execute()
    assert printed(notebook) == shown
