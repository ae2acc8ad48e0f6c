"""`or1-trainer diff RUN_A RUN_B` and `or1-trainer replay RUN --step N`: where two runs differ."""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import replace
from pathlib import Path

from or1_trainer.commands.declare import Commands, declare
from or1_trainer.commands.train import resume
from or1_trainer.errors import ConfigError
from or1_trainer.metrics.rollout_log import read_rollouts, rollout_files
from or1_trainer.report.diff import differences, divergence
from or1_trainer.report.read_run import read_run

MOST_CHARACTERS = 60


def add(commands: Commands) -> None:
    """Declare both commands."""
    diff = declare(
        commands,
        "diff",
        _diff,
        "show where two runs differ",
        more="""\
Compares settings, versions and the content of the problems, and finds the first step and the first stage in it
(problems, prompts, seeds, responses, log-probs, verdicts, advantages, learning rate, loss, gradient norm, weights,
evaluation) at which they differ: every stage is hashed in every step.
Durations are not compared. The exit code is 0 if the numbers agree at all steps that both runs have, else 1.""",
        examples="or1-trainer diff runs/tiny-001 runs/tiny-002",
    )
    diff.add_argument("first", type=Path, help="run folder")
    diff.add_argument("second", type=Path, help="run folder")

    replay = declare(
        commands,
        "replay",
        _replay,
        "compute a step of a run again and compare it",
        more="""\
Continues the run from the nearest checkpoint before the step, in a folder of its own: draws, generates, judges and
trains again, and compares every step up to the one asked for with what the run recorded. Prints `identical`, or the
first step and stage that differ. The exit code is 0 if all is identical, else 1. The run itself is only read.
The machine, versions and number of threads must be those of the run: sums of floats depend on them.""",
        examples="""
            or1-trainer replay runs/tiny-001 --step 40
            or1-trainer replay runs/tiny-001 --step 40 --sample 3,0     and print response 0 to the step's problem 3
        """,
    )
    replay.add_argument("run_folder", type=Path, metavar="RUN", help="run folder")
    replay.add_argument("--step", type=int, required=True, metavar="N", help="step to compute again, from 1")
    replay.add_argument("--sample", metavar="P,G", help="print this response: problem and response, from 0")
    replay.add_argument("--out", type=Path, metavar="FOLDER", help="keep the folder of the replay")


def _diff(options: argparse.Namespace) -> int:
    first, second = read_run(options.first), read_run(options.second)
    for name, found in (
        ("settings", differences(first.config, second.config)),
        ("versions", differences(first.versions, second.versions)),
        ("data", differences(first.data, second.data)),
    ):
        print(f"{name}: {f'{len(found)} differ' if found else 'equal'}")
        for key, one, other in found:
            print(f"  {key}: {_short(one)} → {_short(other)}")
    where = divergence(first, second)
    if where is None:
        common = {row["step"] for row in first.rows} & {row["step"] for row in second.rows}
        print(f"numbers: equal at all {len(common)} common steps")
        return 0
    print(f"numbers: differ from step {where.step}, first in {where.stage}")
    print(f"  {where.what}: {_short(where.first)} → {_short(where.second)}")
    return 1


def _short(text: str) -> str:
    """On one line, cut in the middle."""
    line = text.replace("\n", "\\n")
    return line if len(line) <= MOST_CHARACTERS else f"{line[: MOST_CHARACTERS // 2]}…{line[-MOST_CHARACTERS // 2 :]}"


def _replay(options: argparse.Namespace) -> int:
    from or1_trainer.train.replay import prepare_replay

    place = _place(options.sample)
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.out or Path(scratch) / "replay"
        start = prepare_replay(options.run_folder, options.step, folder, keep_all=place is not None)
        print(f"replaying steps {start + 1} to {options.step} of {options.run_folder}", flush=True)
        if code := resume(folder, until=options.step):
            return code
        if place is not None:
            _show(folder, options.step, place)
        return _compare(options.run_folder, folder, with_rollouts=place is None)


def _place(sample: str | None) -> tuple[int, int] | None:
    if sample is None:
        return None
    problem, comma, response = sample.partition(",")
    if not (comma and problem.isdecimal() and response.isdecimal()):
        raise ConfigError(f"--sample {sample}: give problem and response as two numbers from 0, such as 3,0")
    return int(problem), int(response)


def _compare(run: Path, replayed: Path, *, with_rollouts: bool) -> int:
    """Print the verdict; without rollouts where the replay kept others than the run."""
    recorded, again = read_run(run), read_run(replayed)
    if not with_rollouts:
        recorded = replace(recorded, rollouts=())
    steps = sorted({row["step"] for row in recorded.rows} & {row["step"] for row in again.rows})
    found = divergence(recorded, again)
    if found is None:
        print(f"identical: steps {steps[0]} to {steps[-1]}")
        return 0
    print(f"different from step {found.step}, first in {found.stage}")
    print(f"  {found.what}: recorded {found.first}, replayed {found.second}")
    for package, one, other in differences(recorded.versions, again.versions):
        print(f"  {package}: recorded with {one}, replayed with {other}")
    return 1


def _show(folder: Path, step: int, place: tuple[int, int]) -> None:
    """Print one response of the replay."""
    records = list(read_rollouts(dict(rollout_files(folder))[step]))
    problems = list(dict.fromkeys(record.problem_id for record in records))
    problem, number = place
    group = [record for record in records if problem < len(problems) and record.problem_id == problems[problem]]
    if number >= len(group):
        raise ConfigError(f"--sample {problem},{number}: step {step} has {len(problems)} problems; give others")
    record = group[number]
    print(f"{record.prompt}\n{record.response}\n")
    print(f"{record.status}, reward {record.reward}, advantage {record.advantage}; {record.num_tokens} tokens")
