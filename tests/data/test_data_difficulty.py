"""Answers, difficulty and selection with a verifier and a sampler handed in."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from pathlib import Path

import pytest

from or1_data import ConfigError, Problem, make_problem, problem_from_row, row_of
from or1_data.answers import annotate_answers
from or1_data.difficulty import DifficultySettings, PassCount, counts_of, estimate_difficulty, wilson
from or1_data.run.recipe import ScaleSettings
from or1_data.run.scale import find_scale, with_scale
from or1_data.select import SelectSettings, mix, outcomes, reasons, split, stage_filter
from or1_data.verifying import load_verifier


@dataclass
class Said:
    status: str
    reward: float | None
    extracted: str | None


def verifier(response: str, ground_truth: str) -> Said:
    """Right if the text behind the last box is the gold; `FAIL` makes the verifier itself fail."""
    if "FAIL" in response:
        return Said("verifier_error", None, None)
    found = response.rsplit("\\boxed{", maxsplit=1)[-1].split("}", maxsplit=1)[0] if "\\boxed{" in response else None
    return Said("x", float(found == str(json.loads(ground_truth))), found)


def problems(count: int) -> list[Problem]:
    return [make_problem(f"Problem number {n} asks what?", "1", ability="math", data_source="s") for n in range(count)]


class Coin:
    """Solves problem number n with a chance of its own; counts what it was asked for."""

    def __init__(self, rates: list[float], wrong: str = "0", seed: int = 0) -> None:
        self.rates, self.wrong, self.drawn, self.firsts = rates, wrong, 0, []
        self.rng = random.Random(seed)

    def sample(self, prompts, counts, first_attempts):
        self.drawn += sum(counts)
        self.firsts += list(first_attempts)
        rates = [self.rates[int(p[0]["content"].split()[2])] for p in prompts]
        return [
            ["\\boxed{1}" if self.rng.random() < rate else f"\\boxed{{{self.wrong}}}" for _ in range(n)]
            for rate, n in zip(rates, counts, strict=True)
        ]


def test_stopping_early_decides_as_all_attempts_do() -> None:
    rates = [0.0, 1.0] * 20 + [0.5] * 160
    full, mixed = Coin(rates), Coin(rates)
    settings = DifficultySettings(model="m", attempts=16)
    all_ = list(
        estimate_difficulty(problems(200), full, verifier, DifficultySettings(model="m", attempts=16, stop="full"))
    )
    few = list(estimate_difficulty(problems(200), mixed, verifier, settings))
    select = SelectSettings(rules=(), model="m", suspect_gold=False)
    assert [bool(reasons(p, select)) for p in few] == [bool(reasons(p, select)) for p in all_]
    assert full.drawn == 3200 and mixed.drawn < 0.6 * full.drawn
    assert all(counts_of(p)["m"].num_attempts == 16 for p in all_)
    assert counts_of(few[0])["m"] == PassCount(0, 16) and counts_of(few[1])["m"] == PassCount(16, 16)


def test_failures_are_stored_with_their_attempts_and_more_attempts_merge() -> None:
    first = next(estimate_difficulty(problems(1), Coin([0.0]), verifier, DifficultySettings(model="m", attempts=4)))
    row = row_of(first)
    assert row["extra_info"]["model_difficulty"] == {"m": 4} and row["extra_info"]["model_attempts"] == {"m": 4}
    coin = Coin([1.0])
    more = next(
        estimate_difficulty([problem_from_row(row)], coin, verifier, DifficultySettings(model="m", attempts=16))
    )
    assert counts_of(more)["m"] == PassCount(4, 8) and coin.firsts == [4]
    assert row_of(more)["extra_info"]["model_difficulty"] == {"m": 4}


def test_agreeing_attempts_make_a_gold_suspect() -> None:
    noted = next(estimate_difficulty(problems(1), Coin([0.0], wrong="42"), verifier, DifficultySettings(model="m")))
    assert noted.notes["difficulty"]["m"]["suspect_gold"] == {"answer": "42", "votes": 16}
    assert "difficulty:suspect_gold" in reasons(noted, SelectSettings(rules=(), model="m"))
    solved = next(estimate_difficulty(problems(1), Coin([0.3]), verifier, DifficultySettings(model="m", stop="full")))
    assert "suspect_gold" not in solved.notes["difficulty"]["m"]


def test_a_failing_verifier_is_no_wrong_answer() -> None:
    class Broken:
        def sample(self, prompts, counts, first_attempts):
            return [["FAIL"] * n for n in counts]

    noted = next(estimate_difficulty(problems(1), Broken(), verifier, DifficultySettings(model="m", attempts=4)))
    assert counts_of(noted) == {} and noted.notes["difficulty"]["m"]["unjudged"] == 4


def test_wilson_bounds_against_published_values() -> None:
    low, high = wilson(PassCount(0, 16))
    assert low == 0 and high == pytest.approx(0.1936, abs=1e-3)  # Wilson (1927) for 0 of 16: [0, .19]
    assert wilson(PassCount(16, 16))[0] == pytest.approx(0.8064, abs=1e-3)
    assert wilson(PassCount(0, 0)) == (0.0, 1.0)


def test_golds_and_solutions_are_checked() -> None:
    rows = [
        make_problem("A?", "1", ability="math", data_source="s", solution="So \\boxed{1}"),
        make_problem("B?", "1", ability="math", data_source="s", solution="So \\boxed{2}"),
        make_problem("C?", "x}y", ability="math", data_source="s"),
        make_problem("D?", "1", ability="math", data_source="s", solution="FAIL"),
    ]
    noted = list(annotate_answers(rows, verifier))
    assert [reasons(p, SelectSettings(rules=())) for p in noted] == [
        [],
        ["answers:not_in_solution"],
        ["answers:gold_does_not_verify"],
        ["answers:verifier_failed"],
    ]


def test_the_installed_verifier_on_real_golds(real: Path) -> None:
    pytest.importorskip("or1_reward")
    from or1_data.sources import read_source

    verify = load_verifier()
    rows = list(read_source(real / "still/evaluation__dataset__MATH_OAI.jsonl"))[:100]
    noted = [p.notes["answers"] for p in annotate_answers(rows, verify)]
    assert sum(note["gold_verifies"] is not False for note in noted) >= 99
    texts = [json.loads(row.ground_truth) for row, note in zip(rows, noted, strict=True) if "text_answer" in note]
    assert texts == ["\\text{Evelyn}", "\\text{east}"]
    assert sum(note["in_solution"] for note in noted) >= 95


def test_a_gold_in_words_and_a_part_of_the_points_prove_nothing() -> None:
    def generous(response: str, ground_truth: str) -> Said:
        return Said("x", 0.5 if ground_truth == '"7"' else 1.0, response)

    rows = [make_problem("What day?", gold, ability="math", data_source="s") for gold in ("Tuesday", "7", "x+1")]
    notes = [problem.notes["answers"] for problem in annotate_answers(rows, generous)]
    assert [note["gold_verifies"] for note in notes] == [None, False, True]
    assert [note.get("text_answer") for note in notes] == [True, None, None]


def test_a_verifier_that_is_not_there_is_named() -> None:
    with pytest.raises(ConfigError, match="nowhere"):
        load_verifier("nowhere:verify")
    with pytest.raises(ConfigError, match=r"package\.module:name"):
        load_verifier("json")


def test_the_scale_of_counts_is_seen_in_the_data() -> None:
    def parts(highest: int):
        return [{"max_failures": {"code": {"m": 3}}}, {"max_failures": {"code": {"m": highest}, "math": {"m": 15}}}]

    assert find_scale(parts(8), ScaleSettings()) == {"code": {"m": 8}, "math": {"m": 16}}
    assert find_scale(parts(9), ScaleSettings())["code"] == {"m": 16}
    with pytest.raises(ConfigError, match="17"):
        find_scale(parts(17), ScaleSettings())
    never = make_problem(
        "Add.",
        {"inputs": ["1"], "outputs": ["1"]},
        ability="code",
        data_source="s",
        extra_info={"model_difficulty": {"m": 8}},
    )
    select = SelectSettings(rules=(), model="m")
    assert reasons(with_scale(never, {"code": {"m": 8}}), select) == ["difficulty:too_hard"]
    assert reasons(with_scale(never, {"code": {"m": 16}}), select) == []
    assert reasons(never, select) == ["difficulty:not_measured"]


def test_the_filter_between_stages_reads_a_runs_rollouts(tmp_path: Path) -> None:
    always, sometimes, never, unseen = problems(4)
    rows = [(always, 1.0), (always, 1.0), (always, None), (sometimes, 1.0), (sometimes, 0.0), (never, 0.0)]
    (tmp_path / "rollouts").mkdir()
    for step, (problem, reward) in enumerate(rows):
        (tmp_path / "rollouts" / f"step_{step:06d}.jsonl").write_text(
            json.dumps({"problem_id": problem.id, "reward": reward}) + "\n"
        )
    counts = outcomes(tmp_path)
    everything = [always, sometimes, never, unseen]
    assert list(stage_filter(everything, counts)) == [sometimes, never, unseen]
    assert list(stage_filter(everything, counts, drop=("always", "never"))) == [sometimes, unseen]


def test_mixing_and_splitting_depend_on_ids_alone() -> None:
    rows = problems(2000)
    kept, backwards = list(mix(rows, {"s": 0.25}, seed=1)), list(mix(rows[::-1], {"s*": 0.25}, seed=1))
    assert 400 < len(kept) < 600 and kept == backwards[::-1]
    parts = [split(p.id, {"train": 9, "heldout": 1}) for p in rows]
    assert 140 < parts.count("heldout") < 260
    with pytest.raises(ConfigError):
        list(mix(rows, {"s": 2.0}))
