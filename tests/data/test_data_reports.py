"""What users reported (shared reports, `index.jsonl`): each file read, and what is right about it."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from or1_data import Problem, SchemaError, SourceError, problem_from_row, read_problems, write_problems
from or1_data.answers import annotate_answers
from or1_data.cli import main
from or1_data.dedup import DedupSettings, annotate_duplicates
from or1_data.difficulty import PassCount
from or1_data.errors import RunError
from or1_data.rules import find
from or1_data.run import run_recipe
from or1_data.run.recipe import recipe_from
from or1_data.select import SelectSettings, outcomes, reasons
from or1_data.sources import read_source
from or1_data.verifying import load_verifier

Read = Callable[..., tuple[list[Problem], list[SchemaError]]]


@pytest.fixture
def read(shared_data: Path) -> Read:
    """Reads a reported file: its problems and its broken rows."""

    def of(name: str, **options: object) -> tuple[list[Problem], list[SchemaError]]:
        broken: list[SchemaError] = []
        rows = list(read_source(shared_data / "reports" / "data" / name, set_aside=broken.append, **options))
        return rows, broken

    return of


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("d25_extra_info_text.jsonl", 1, 0),
        ("d27_livecodebench_case.jsonl", 0, 1),
        ("d30_half_surrogate.json", 1, 1),
        ("d32_bom.jsonl", 3, 0),
        ("d34_first_row_odd.jsonl", 3, 1),
        ("d37_answer_types.jsonl", 0, 2),
        ("d38_codecontests_list_of_structs.jsonl", 1, 0),
        ("d42_orz57k.json", 1, 0),
    ],
)
def test_odd_rows_are_read_or_set_aside(read: Read, name: str, good: int, bad: int) -> None:
    rows, broken = read(name)
    assert (len(rows), len(broken)) == (good, bad)
    assert all(error.line for error in broken)


def test_a_damaged_file_is_named(read: Read) -> None:
    with pytest.raises(SourceError, match=r"d29_damaged.*is it complete"):
        read("d29_damaged.jsonl.gz")


def test_code_contests_keeps_tests_and_solutions_in_either_layout(read: Read) -> None:
    ((problem,), _) = read("d38_codecontests_list_of_structs.jsonl")
    assert json.loads(problem.ground_truth) == {"inputs": ["1\n", "2\n", "3\n"], "outputs": ["1\n", "2\n", "3\n"]}
    assert problem.solution == "print(input())"
    assert problem.extra_info["cf_rating"] == 1400  # nobody asked for it, nobody lost it


def test_sets_that_no_adapter_knew_are_read_each_by_its_own(shared_data: Path, tmp_path: Path) -> None:
    lines = (shared_data / "reports/data/d40_unknown_sets.jsonl").read_text().splitlines()
    golds = []
    for number, line in enumerate(lines):
        (tmp_path / f"{number}.jsonl").write_text(line)
        (problem,) = read_source(tmp_path / f"{number}.jsonl")
        golds.append(json.loads(problem.ground_truth))
        assert problem.solution != "6"  # DAPO-Processed calls the bare answer a solution
    assert [str(gold) for gold in golds] == ["14", "0", "6", "5"]


def test_a_kept_row_can_be_traced_back(read: Read) -> None:
    ((problem,), _) = read("d43_lost_columns.jsonl")
    assert problem.extra_info["domain"] == ["Mathematics -> Algebra"] and problem.extra_info["source"] == "omnimath"
    assert problem.extra_info["origin"] == {"file": "d43_lost_columns.jsonl", "line": 1}
    assert problem.extra_info["model_difficulty"] == {"llama8b": 61}  # 0.046875 is 3 of 64
    assert not reasons(problem, SelectSettings(model="llama8b"))


def test_columns_are_mapped_by_name(read: Read) -> None:
    columns = {"problem": "question", "answer": "final_answer", "keep": ["topic"]}
    rows, broken = read("d40_unknown_sets.jsonl", columns=columns)
    assert [(p.ground_truth, set(p.extra_info)) for p in rows] == [("0", {"topic", "origin"})] and len(broken) == 3


@pytest.mark.parametrize(
    ("name", "rule", "found"),
    [
        ("d48_tikz_letters.jsonl", "multiple_choice", [False]),
        ("d49_numina_flags.jsonl", "multiple_choice", [True, False, False]),
        ("d49_numina_flags.jsonl", "marked_invalid", [False, True, False]),
        ("d49_numina_flags.jsonl", "multi_part", [False, False, True]),
        ("d51_greek_is_no_language.jsonl", "language", [False]),
        ("d53_img_is_no_drawing.jsonl", "missing_figure", [True, True]),
        ("d53_img_is_no_drawing.jsonl", "drawing", [False, False]),
        ("d54_needs_a_checker.jsonl", "needs_checker", [True, True]),
        ("d56_no_answers.jsonl", "no_answer", [True] * 6),
    ],
)
def test_rules_on_reported_rows(read: Read, name: str, rule: str, found: list[bool]) -> None:
    rows, _ = read(name)
    assert [bool(find(problem, [rule])) for problem in rows] == found


def test_a_gsm8k_solution_is_compared_by_its_last_calculation(read: Read) -> None:
    pytest.importorskip("or1_reward")
    (noted,) = annotate_answers(read("d58_gsm8k_solution.jsonl")[0], load_verifier())
    assert reasons(noted, SelectSettings()) == ["answers:not_in_solution"]


def test_primes_and_braces_tell_problems_apart(read: Read) -> None:
    rows, _ = read("d16_same_id.jsonl")
    assert len({problem.id for problem in rows}) == 4
    assert not any(reasons(p, SelectSettings()) for p in annotate_duplicates(rows, DedupSettings()))


def test_the_format_reads_extra_info_packed_as_text() -> None:
    row = {
        "data_source": "x",
        "prompt": [{"role": "user", "content": "1+1?"}],
        "ability": "math",
        "reward_model": {"ground_truth": "2"},
        "extra_info": "not json",
    }
    assert problem_from_row({**row, "extra_info": '{"index": 0}'}).extra_info == {"index": 0}
    with pytest.raises(SchemaError, match="extra_info"):
        problem_from_row(row)


def test_shares_of_failures_are_compared(read: Read) -> None:
    rows, _ = read("d06_counts_of_unequal_attempts.jsonl")  # 3 of 4, and 5 of 16
    middle = SelectSettings(model="m", min_failure_share=0.25, max_failure_share=0.75)
    assert [reasons(problem, middle) for problem in rows] == [[], []]
    hard = SelectSettings(model="m", min_failure_share=0.5)
    assert [reasons(problem, hard) for problem in rows] == [[], ["difficulty:too_easy"]]


def test_partial_credit_does_not_solve(shared_data: Path) -> None:
    file = shared_data / "reports/data/d07_partial_credit_rollouts.jsonl"
    assert outcomes(file)["0123456789abcdef"] == PassCount(0, 8)
    assert outcomes(file, min_reward=0.25)["0123456789abcdef"] == PassCount(8, 8)


class Counting:
    """A sampler that counts what it draws."""

    drawn = 0

    def sample(self, prompts, counts, first_attempts):
        Counting.drawn += sum(counts)
        return [[f"\\boxed{{{k % 2}}}" for k in range(count)] for count in counts]


def judge(response: str, ground_truth: str) -> SimpleNamespace:
    right = response == f"\\boxed{{{json.loads(ground_truth)}}}"
    return SimpleNamespace(status="correct" if right else "wrong", reward=float(right), extracted="")


def test_no_change_of_selection_or_chunks_draws_an_attempt_again(tmp_path: Path, monkeypatch) -> None:
    module = ModuleType("counting_sampler")
    module.Counting, module.judge = Counting, judge
    monkeypatch.setitem(sys.modules, "counting_sampler", module)
    rows = [{"problem": f"How many apples has number {n} on day {n * 7}?", "answer": "1"} for n in range(40)]
    source = tmp_path / "a.jsonl"
    source.write_text("\n".join(map(json.dumps, rows)))
    difficulty = {"model": "m", "attempts": 8, "sampler": "counting_sampler:Counting"}
    base = {
        "source": [{"path": str(source)}],
        "difficulty": {**difficulty, "verifier": "counting_sampler:judge"},
        "select": {"model": "m"},
    }
    more = [*rows, {"problem": "How many pears fell off the tree in autumn?", "answer": "1"}]
    (tmp_path / "b.jsonl").write_text("\n".join(map(json.dumps, more)))
    changes = [{}, {}, {"select": {"model": "m", "max_failure_share": 0.5}}, {}, {"chunk_rows": 7}, {"workers": 2}]
    drawn = []
    for change in changes:
        run_recipe(recipe_from({**base, **change}), tmp_path / "run", progress=False)
        drawn.append(Counting.drawn)
    assert drawn == [160] * len(changes)
    run_recipe(
        recipe_from({**base, "source": [{"path": str(tmp_path / "b.jsonl")}]}), tmp_path / "other", progress=False
    )
    assert Counting.drawn == 164, "another run beside it pays for the new row only"


def test_instructions_that_a_source_shares_are_apart(read: Read, tmp_path: Path) -> None:
    rows, _ = read("d14_unknown_prefix.jsonl")
    statements = ["Compute $1+1$.", "Find $|3-5|$.", "How many primes divide 6?", "Simplify $\\sqrt{4}$."]
    assert [problem.statement for problem in rows] == statements
    assert all("final answer is" in p.prompt[0]["content"] and p.statement in p.prompt[0]["content"] for p in rows)
    assert not any(reasons(problem, SelectSettings()) for problem in annotate_duplicates(rows))
    write_problems(tmp_path / "a.jsonl", rows)
    assert [problem.statement for problem in read_source(tmp_path / "a.jsonl", "or1")] == statements


def test_the_text_of_a_template_stays_in_the_statement(read: Read) -> None:
    rows, _ = read("d12_countdown.jsonl")
    assert all(p.statement.startswith("Using the numbers") and p.statement.endswith("the equation.") for p in rows)


def test_known_instructions_are_apart(read: Read) -> None:
    rows, _ = read("d46_prompts.jsonl")
    assert [problem.statement for problem in rows] == [
        "Find the sum of all integers $n$ with $n^2<10$.",
        "Given an integer n, print n+1.",
        "What is $6\\cdot 7$?",
    ]


def test_several_files_a_folder_and_a_pattern_are_one_source(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shards = tmp_path / "shards"
    shards.mkdir()
    for number in range(3):
        row = {"problem": f"What is {number}+{number}?", "answer": str(2 * number), "license": "MIT"}
        (shards / f"train-0000{number}-of-00003.jsonl").write_text(json.dumps(row))
    inputs = ([shards], [shards / "*.jsonl"], sorted(shards.iterdir()))
    for given in inputs:
        assert main(["stats", *map(str, given), "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["rows"] == 3
    source = [{"path": str(shards / "*.jsonl"), "name": "sums"}]
    run_recipe(recipe_from({"source": source, "guard": {"max_share": 1.0}}), tmp_path / "run", progress=False)
    rows = list(read_problems(tmp_path / "run/problems.parquet"))
    assert [row.extra_info["origin"]["file"] for row in rows] == sorted(path.name for path in shards.iterdir())
    assert {row.extra_info["origin"]["license"] for row in rows} == {"MIT"}
    (shards / "other.csv").write_text("problem,answer\nWhat is 2+2?,4\n")
    assert main(["stats", str(shards)]) == 1 and "several kinds" in capsys.readouterr().err
    assert main(["stats", str(shards / "*.csv")]) == 0


def test_other_kinds_of_files(tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow")
    rows = [{"problem": f"What is {n}+{n}?", "answer": str(2 * n)} for n in range(4)]
    table = pa.Table.from_pylist(rows)
    with pa.OSFile(str(tmp_path / "a.arrow"), "wb") as sink, pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    with pa.CompressedOutputStream(str(tmp_path / "b.jsonl.zst"), "zstd") as stream:
        stream.write("\n".join(map(json.dumps, rows)).encode())
    columns = {key: [row[key] for row in rows] for key in ("problem", "answer")}
    (tmp_path / "c.json").write_text(json.dumps(columns, indent=1))
    indexed = {key: dict(enumerate(values)) for key, values in columns.items()}
    (tmp_path / "d.json").write_text(json.dumps(indexed))
    (tmp_path / "e.json").write_text(json.dumps({"version": 1, "data": rows}))
    for file in sorted(tmp_path.iterdir()):
        assert [p.ground_truth for p in read_source(file)] == ["0", "2", "4", "6"], file.name


def test_odd_numbers_neither_end_a_run_nor_become_answers(tmp_path: Path) -> None:
    text = '{"problem": "Big?", "answer": "1", "n": %s}\n{"problem": "None?", "answer": NaN}\n' % ("9" * 40)
    (tmp_path / "a.jsonl").write_text(text)
    (tmp_path / "a.json").write_text("[" + ",".join(text.strip().split("\n")) + "]")
    for name in ("a.jsonl", "a.json"):
        source = {"source": [{"path": str(tmp_path / name)}], "guard": {"max_share": 1.0}}
        result = run_recipe(recipe_from(source), tmp_path / name[2:], progress=False)
        assert (result.kept, result.set_aside) == (1, 1)


def test_files_of_other_settings_do_not_stay(tmp_path: Path) -> None:
    rows = [{"problem": f"What is the {name} of it all?", "answer": "1"} for name in ("sum", "end", "top", "cost")]
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, rows)))
    base = {"source": [{"path": str(tmp_path / "a.jsonl")}]}
    run_recipe(recipe_from({**base, "split": {"train": 1, "heldout": 1}}), tmp_path / "run", progress=False)
    assert (tmp_path / "run/train.jsonl").exists()
    run_recipe(recipe_from(base), tmp_path / "run", progress=False)
    left = {path.name for path in (tmp_path / "run").iterdir() if path.suffix in (".jsonl", ".parquet")}
    assert left == {"problems.jsonl", "problems.parquet", "dropped.jsonl", "set_aside.jsonl"}


def test_a_full_disk_in_the_last_pass_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from or1_data.run import output

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    (tmp_path / "a.jsonl").write_text('{"problem": "What is 1+1?", "answer": "2"}')
    monkeypatch.setattr(output, "write_problems", full)
    recipe = recipe_from({"source": [{"path": str(tmp_path / "a.jsonl")}]})
    with pytest.raises(RunError, match=r"No space left.*free some space"):
        run_recipe(recipe, tmp_path / "run", progress=False)
    assert not [path for path in (tmp_path / "run").iterdir() if "partial" in path.name]


def test_a_file_that_cannot_be_written_is_the_one_that_is_named(
    tmp_path: Path, shared_data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    bench, rows = (
        shared_data / "benchmarks/aime24.jsonl",
        shared_data / "reports/data/d20_reformatted_other_problem.jsonl",
    )
    blocked = str(tmp_path / "file" / "x")
    for command in (
        ["decontaminate", "--save-index", blocked, "--benchmark", str(bench)],
        ["decontaminate", str(rows), "-o", str(tmp_path / "o.jsonl"), "--benchmark", str(bench), "--review", blocked],
        ["select", str(rows), "-o", f"{blocked}.jsonl"],
    ):
        assert main(command) == 1
        assert str(tmp_path / "file") in capsys.readouterr().err
