"""`examples/svamp/prepare.py`: no story is on both sides, and the solutions that are imitated are right."""

import importlib.util
import json
import re
from pathlib import Path

import pytest

from or1_data import read_problems
from or1_reward import verify
from or1_trainer.config.check import check
from or1_trainer.config.load import read_recipe, resolve

FOLDER = Path(__file__).parents[2] / "examples" / "svamp"


def load(path):
    spec = importlib.util.spec_from_file_location("prepare", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


prepare = load(FOLDER / "prepare.py")


def row(body, question, equation, answer):
    return {"Body": body, "Question": question, "Equation": equation, "Answer": answer, "Type": "x", "ID": "x"}


def test_variants_of_a_story_stay_together_also_through_a_third():
    rows = [
        row("Mary baked cakes with flour and sugar", "How many cakes?", "( 2.0 + 3.0 )", 5.0),
        row("Trains leave the station early", "How many trains?", "( 9.0 - 3.0 )", 6.0),
        row("Mary baked cakes with sugar, flour, butter and cream", "How many cakes?", "( 2.0 + 4.0 )", 6.0),
        row("John baked cakes with sugar, butter, cream and nuts", "How many cakes?", "( 1.0 + 4.0 )", 5.0),
    ]
    told = {frozenset(rows.index(one) for one in story) for story in prepare.stories(rows)}
    assert told == {frozenset({0, 2, 3}), frozenset({1})}


@pytest.mark.parametrize(
    ("equation", "answer", "said"),
    [
        ("( 290.0 / 2.0 )", 145.0, "290 / 2 = 145"),
        ("( ( 3.0 + 4.0 ) * 2.5 )", 17.5, "( ( 3 + 4 ) * 2.5 ) = 17.5"),
        ("( 22090600.0 + 3.0 )", 22090603.0, "22090600 + 3 = 22090603"),
    ],
)
def test_a_solution_is_the_equation_with_its_value(equation, answer, said):
    user, assistant = prepare.solution(row("Tom has hens.", "How many?", equation, answer))["messages"]
    assert assistant == {"role": "assistant", "content": said}
    assert user["content"] == "Tom has hens. How many? Answer with one number."


def test_the_real_set_splits_by_story_and_its_solutions_verify(shared_data, tmp_path, monkeypatch, capsys):
    rows = shared_data / "simplerl_eval" / "data__svamp__test.jsonl"
    monkeypatch.setattr("sys.argv", ["prepare.py", str(rows), str(tmp_path)])
    prepare.main()
    assert capsys.readouterr().out == "800 problems to train on, 200 held out\n"
    train, heldout = (list(read_problems(tmp_path / f"{name}.jsonl")) for name in ("train", "heldout"))
    asked = prepare.TEMPLATE.removeprefix("{statement}")
    words = [
        [prepare.words_of(problem.prompt[0]["content"].removesuffix(asked)) for problem in part]
        for part in (train, heldout)
    ]
    assert not any(prepare.is_near(left, right) for left in words[0] for right in words[1])
    solutions = [json.loads(line)["messages"] for line in (tmp_path / "solutions.jsonl").read_text().splitlines()]
    assert [said[0]["content"] for said in solutions] == [problem.prompt[0]["content"] for problem in train]
    for problem, said in list(zip(train, solutions, strict=True))[::7]:
        assert verify(said[1]["content"], problem.ground_truth).status == "correct", said


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "rows.jsonl"),
        ("no json\n", "rows.jsonl, line 1"),
        ('{"Body": "x", "Question": "y", "Answer": 1.0}\n', "rows.jsonl, line 1: no column Equation"),
    ],
)
def test_rows_that_are_none_are_refused_in_one_line(content, said, tmp_path, monkeypatch):
    rows = tmp_path / "rows.jsonl"
    if content is not None:
        rows.write_text(content)
    monkeypatch.setattr("sys.argv", ["prepare.py", str(rows), str(tmp_path / "out")])
    with pytest.raises(SystemExit, match=re.escape(said)):
        prepare.main()
    assert not (tmp_path / "out").exists()


def test_the_recipe_is_valid():
    config = resolve(read_recipe(str(FOLDER / "recipe.toml")))
    check(config, 1)
    assert [stage.kind for stage in config.stages][:2] == ["sft", "rl"]
