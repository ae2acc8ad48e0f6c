"""The studies' test bed: lettered sums that do not overlap, and traces that are read back by other code."""

import math
import re
from collections import Counter

import pytest

from or1_trainer.cli import main
from or1_trainer.config.load import read_recipe, resolve
from or1_trainer.config.problems import HabitSettings, LetteredSettings, WarmStartSettings
from or1_trainer.errors import ConfigError
from or1_trainer.toy.lesson import alphabet_of, solved_problems
from or1_trainer.toy.lettered import ALPHABET, lettered_problems
from or1_trainer.toy.traces import traces

LENGTHS = LetteredSettings(min_terms=3, max_terms=6)
STEADY = HabitSettings(restate_share=0.3, slip_share=0.0, check_share=0.3, hurry_share=0.0)


def values(prompt):
    return {letter: int(digit) for letter, digit in re.findall(r"([A-Z])(\d)", prompt)}


def replay(prompt, response):
    """(numbers at the end, all lines true?, boxed): the trace carried out line by line."""
    numbers, true = values(prompt), True
    *lines, boxed = response.split(";")
    for line in lines:
        gone, stays, said = re.fullmatch(r"([A-Z]?)([A-Z])(\d+)", line).groups()
        if gone and gone in numbers:
            right = numbers[stays] + numbers.pop(gone)
            true &= right == int(said)
        elif not gone:
            true &= numbers[stays] == int(said)
        numbers[stays] = int(said)
    return numbers, true, int(re.fullmatch(r"\\boxed\{(\d+)\}", boxed)[1])


def test_a_steady_demonstrator_is_right_in_every_line():
    for trace in traces(300, 5, LENGTHS, STEADY):
        numbers, true, boxed = replay(trace.prompt, trace.response)
        assert true and list(numbers.values()) == [boxed] == [sum(values(trace.prompt).values())]
        assert set(trace.prompt + trace.response) <= set(ALPHABET)


def test_habits_have_the_shares_that_are_set():
    def wrong(**habits):
        shown = list(traces(2000, 5, LENGTHS, HabitSettings(**{**NO_HABITS, **habits})))
        return sum(replay(t.prompt, t.response)[2] != sum(values(t.prompt).values()) for t in shown) / len(shown)

    assert wrong() == 0
    assert wrong(hurry_share=0.5) == pytest.approx(0.5 * 0.84, abs=0.05)  # a guess is right in a seventh or so
    slips = wrong(slip_share=0.1, correct_share=0.0)
    additions = sum(count - 1 for count in range(3, 7)) / 4
    assert slips == pytest.approx(1 - 0.9**additions, abs=0.05)  # two slips that cancel out are few
    assert wrong(slip_share=0.1, correct_share=1.0) == 0


NO_HABITS = {"restate_share": 0.0, "slip_share": 0.0, "correct_share": 0.0, "check_share": 0.0, "hurry_share": 0.0}


def test_the_next_pair_is_drawn_from_all_ordered_pairs():
    three = LetteredSettings(min_terms=3, max_terms=3)
    firsts = Counter(trace.response[:2] for trace in traces(6000, 1, three, HabitSettings(**NO_HABITS)))
    assert len(firsts) == 6
    entropy = -sum(n / 6000 * math.log(n / 6000) for n in firsts.values())
    assert entropy == pytest.approx(math.log(6), abs=0.01)


def test_parts_share_no_problem_in_any_order_and_a_longer_run_begins_as_a_shorter_one():
    parts = {
        split: {
            tuple(sorted(values(p.statement).values()))
            for seed in range(3)
            for p in lettered_problems(split, 80, seed, LENGTHS, template="bare")
        }
        for split in ("train", "heldout")
    }
    assert all(parts.values()) and not parts["train"] & parts["heldout"]
    longer, shorter = (list(lettered_problems("train", n, 0, LENGTHS, template="bare")) for n in (50, 20))
    assert longer[:20] == shorter and len({problem.id for problem in longer}) == 50
    assert all(int(p.ground_truth) == sum(values(p.statement).values()) for p in longer)


def test_what_there_is_not_is_refused(capsys):
    with pytest.raises(ConfigError, match="not enough"):
        list(lettered_problems("heldout", 500, 0, LetteredSettings(min_terms=2, max_terms=2), template="bare"))
    with pytest.raises(ConfigError, match="max_terms"):
        next(lettered_problems("train", 1, 0, LetteredSettings(max_terms=13), template="bare"))
    for change in ("data.lettered.max_terms", "warm_start.lettered.min_terms"):
        assert main(["train", "lab", f"--{change}", "40", "--dry-run"]) == 2
        assert change.rpartition(".")[0] in capsys.readouterr().err
    assert main(["train", "lab", "--warm_start.habits.slip_share", "1.5", "--dry-run"]) == 2
    assert "slip_share" in capsys.readouterr().err
    assert main(["train", "lab", "--warm_start.habits.slip", "0.5", "--dry-run"]) == 2
    assert "slip_share" in capsys.readouterr().err


def test_the_lab_teaches_what_it_trains_on():
    lab = resolve(read_recipe("lab"))
    assert lab.warm_start.demonstrated == lab.data.generated == "lettered"
    ours, theirs = lab.warm_start.lettered, lab.data.lettered
    assert (ours.min_terms, ours.max_terms) == (theirs.min_terms, theirs.max_terms)
    settings = WarmStartSettings(demonstrated="lettered", steps=2, sequences=3, lettered=LetteredSettings(max_terms=4))
    shown = list(solved_problems(settings))
    assert len(shown) == 6 and all(set(a + b) <= set(alphabet_of(settings)) for a, b in shown)
