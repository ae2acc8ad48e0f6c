"""Checks on SmolLM2-135M that are too slow for the test suite: layouts, a kill, the export, tokens.

    uv run python benchmarks/real_model_checks.py                   # all, about ten minutes on two cores
    uv run python benchmarks/real_model_checks.py --only resume export

Each check runs the recipe `smollm2` for a few steps in float32 and prints what it compared; exit code 1 if one fails.
The layouts agree with one process up to rounding in the first step, where all sample the same responses; later
steps may draw another token where two are nearly as likely.
"""

from __future__ import annotations

import argparse
import json
import math
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "tests" / "trainer"))
from whole_runs import numbers, rows_written, wait_for

from or1_data.schema import row_of
from or1_trainer.train.problems import load_problems
from or1_trainer.train.run_folder import read_config

STAGES = [
    "--model.dtype", "float32", "--eval.k", "1", "--data.worded.heldout", "32",
    "--stages.0.steps", "2", "--stages.1.steps", "2", "--stages.1.context_tokens", "40",
]  # fmt: skip
TOLERANCE = 2e-3
"""Relative, for sums of products in another order over 30 layers."""
COMPARED = ("reward/mean", "response/length_mean", "policy/entropy", "optimizer/grad_norm", "tokens/trained")


def main() -> int:
    """Print a line per check."""
    checks: dict[str, Callable[[Path], str]] = {
        "tensor": lambda room: layout(room, "--parallel.tensor", 3),
        "data": lambda room: layout(room, "--parallel.data", 2),
        "resume": resume,
        "export": export,
        "tokens": tokens,
    }
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=checks, default=list(checks))
    failed = 0
    with tempfile.TemporaryDirectory() as scratch:
        room = Path(scratch)
        trainer("smollm2", "--run-dir", room / "whole", *STAGES, "--checkpoint.every", 2)
        for name in parser.parse_args().only:
            try:
                print(f"{name}: {checks[name](room)}", flush=True)
            except AssertionError as error:
                failed += 1
                print(f"{name}: FAILED, {error}", flush=True)
    return int(failed > 0)


def trainer(*arguments: object) -> None:
    """`or1-trainer ARGUMENTS` to its end."""
    done = subprocess.run(_command(*arguments), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]


def layout(room: Path, flag: str, ranks: int) -> str:
    """The first step with so many ranks equals that of one process."""
    folder = room / flag.rpartition(".")[2]
    trainer("smollm2", "--run-dir", folder, *STAGES, flag, ranks, "--stages.0.steps", 1, "--stages.1.steps", 1)
    one, several = numbers(room / "whole")[1], numbers(folder)[1]
    gaps = {key: abs(one[key] - several[key]) / max(abs(one[key]), 1e-9) for key in COMPARED}
    worst = max(gaps, key=lambda key: gaps[key])
    assert gaps[worst] <= TOLERANCE, f"{worst} is {several[worst]} with {ranks} ranks and {one[worst]} with one"
    return f"{flag} {ranks} agrees with one process; largest relative gap {gaps[worst]:.1e} ({worst})"


def resume(room: Path) -> str:
    """Killed with SIGKILL after its first checkpoint, a run ends in the metrics of one never killed."""
    folder = room / "killed"
    arguments = _command("smollm2", "--run-dir", folder, *STAGES, "--checkpoint.every", 2)
    process = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(lambda: rows_written(folder) >= 4, process, timeout_s=900)  # three steps: the third will be lost
    finally:
        process.kill()
        process.wait()
    trainer("resume", folder)
    assert numbers(folder) == numbers(room / "whole"), "the metrics differ"
    return f"killed in step 4, resumed from step 2: {len(numbers(folder))} rows equal to the last digit"


def export(room: Path) -> str:
    """Transformers loads the export, and or1-eval on it finds the run's own held-out figure, problem by problem."""
    from transformers import AutoModelForCausalLM

    AutoModelForCausalLM.from_pretrained(room / "whole" / "model")
    problems, heldout = room / "heldout.jsonl", load_problems(read_config(room / "whole").data)[1]
    rows = [row_of(problem) | {"id": problem.id} for problem in heldout]  # the seeds of samples come from the ids
    problems.write_text("".join(json.dumps(row) + "\n" for row in rows))
    command = [sys.executable, "-m", "or1_eval.cli", "run", f"heldout={problems}", "--model", room / "whole" / "model"]
    command += ["-k", "1", "--max-new-tokens", "40", "--temperature", "1", "-o", room / "evaluated", "--quiet"]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    own = numbers(room / "whole")[-1]["eval/avg"]
    average = json.loads((room / "evaluated" / "results.json").read_text())["tasks"]["heldout"]["avg"]
    assert math.isclose(average, own), f"or1-eval says {average}, the run {own}"
    return f"loads in transformers; avg@1 of or1-eval on the export {average:.4f} = the run's own {own:.4f}"


def tokens(room: Path) -> str:
    """Every logged prompt is the chat template applied once, and responses that ended carry the end token."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(room / "whole" / "model")
    rows = [
        json.loads(line) for path in (room / "whole" / "rollouts").glob("*") for line in path.read_text().splitlines()
    ]
    assert rows, "no rollouts were logged"
    for row in rows:
        prompt = row["prompt"]
        assert prompt.count("<|im_start|>user") == 1, prompt
        assert prompt.endswith("<|im_start|>assistant\n"), prompt
    bos = tokenizer.bos_token
    return f"{len(rows)} prompts with the template once ({bos} opens each turn: {rows[0]['prompt'].count(bos)} turns)"


def _command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "or1_trainer.cli", *map(str, arguments)]


if __name__ == "__main__":
    sys.exit(main())
