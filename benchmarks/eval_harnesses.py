"""The same stored generations scored by or1-eval and by the maths scorers of three other harnesses.

    uv run python benchmarks/eval_harnesses.py DATA_FOLDER --lm-eval PYTHON --lighteval PYTHON --inspect PYTHON

Each PYTHON has that harness (`uv venv X; uv pip install --python X/bin/python lm-eval[math] | lighteval[math] | inspect-ai
latex2sympy2-extended`), in an environment of its own: their pins exclude each other. DATA_FOLDER holds
verifier/math_dev.jsonl, whose full texts of models are scored against their gold answer. Every sample on which a harness
and or1-eval differ is printed, with the label of the data.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from or1_eval import Completion, Problem, Task, evaluate

READ = """
import json, sys, warnings
warnings.simplefilter("ignore")
cases = [json.loads(line) for line in sys.stdin]
found = {}
def keep(name, case, score):
    found.setdefault(name, {})[case["id"]] = score
"""
WRITE = """
print("\\x01" + json.dumps(found))
"""
SCORERS = {
    "lm_eval": """
import importlib.metadata
from lm_eval.tasks.aime import utils as aime
from lm_eval.tasks.minerva_math import utils as minerva
version = importlib.metadata.version("lm-eval")
for case in cases:
    keep(f"lm-eval {version}, aime", case, aime.process_results({"answer": case["gold"]}, [case["text"]])["exact_match"])
    boxed = "\\\\boxed{" + case["gold"] + "}"
    doc = {"answer": minerva.normalize_final_answer(case["gold"]), "solution": boxed}
    both = minerva.process_results(doc, [case["text"]])
    keep(f"lm-eval {version}, minerva_math exact_match", case, both["exact_match"])
    keep(f"lm-eval {version}, minerva_math math_verify", case, both["math_verify"])
""",
    "lighteval": """
import importlib.metadata, logging
logging.disable(logging.WARNING)
from lighteval.metrics.metrics import Metrics
from lighteval.models.model_output import ModelResponse
from lighteval.tasks.requests import Doc
name = f"lighteval {importlib.metadata.version('lighteval')}, avg@n of aime"
score = Metrics.avg_at_n_math.value.sample_level_fn.compute_score
for case in cases:
    doc = Doc(task_name="aime", query="", choices=[case["gold"]], gold_index=0)
    keep(name, case, int(score(doc, ModelResponse(text=[case["text"]]))))
""",
    "inspect": """
import asyncio, importlib.metadata
from inspect_ai.model import ModelName, ModelOutput
from inspect_ai.scorer import Target, match, math
from inspect_ai.solver import TaskState
version = importlib.metadata.version("inspect_ai")
async def all_of():
    for name, scorer in (("math", math(timeout=20)), ("match(numeric=True)", match(numeric=True))):
        for case in cases:
            state = TaskState(model=ModelName("mockllm/model"), sample_id=case["id"], epoch=1, input="", messages=[],
                              output=ModelOutput.from_content("m", case["text"]))
            try:
                value = int((await scorer(state, Target(case["gold"]))).value == "C")
            except ValueError:
                value = None  # it cannot read the gold answer
            keep(f"inspect_ai {version}, {name}", case, value)
asyncio.run(all_of())
""",
}


def theirs(python: str, scorer: str, cases: list[dict[str, Any]]) -> dict[str, dict[str, int | None]]:
    """Scorer -> id -> 1, 0, or None where it gives up."""
    given = "".join(json.dumps(case) + "\n" for case in cases)
    done = subprocess.run(
        [python, "-c", READ + SCORERS[scorer] + WRITE], input=given, capture_output=True, text=True,
        env=os.environ | {"HF_HUB_OFFLINE": "1"},
    )  # fmt: skip
    if done.returncode:
        raise SystemExit(f"{scorer}: {done.stderr[-3000:]}")
    return json.loads(done.stdout.rpartition("\x01")[2])


def ours(cases: list[dict[str, Any]]) -> dict[str, int]:
    """Our rewards, through `evaluate`."""
    problems = tuple(Problem(id=c["id"], prompt=c["id"], ground_truth=json.dumps(c["gold"])) for c in cases)
    texts = {case["id"]: case["text"] for case in cases}
    report = evaluate(
        Task(name="maths", problems=problems),
        lambda prompt: Completion(text=texts[prompt], finish_reason="stop"),
        workers=os.cpu_count() or 1,
    )
    return {problem.id: int(problem.rewards[0] or 0) for problem in report.problems}


def main() -> None:
    """A table, then every difference."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    for name in ("lm-eval", "lighteval", "inspect"):
        parser.add_argument(f"--{name}", metavar="PYTHON", default="")
    options = parser.parse_args()
    rows = [json.loads(line) for line in (options.data / "verifier" / "math_dev.jsonl").open()]
    rows = [row for row in rows if row["kind"].startswith("text.")]
    cases = [{"id": row["id"], "gold": row["gold"], "text": row["prediction"]} for row in rows]
    scores: dict[str, dict[str, Any]] = {"or1-eval": ours(cases)}
    for name in SCORERS:
        if python := getattr(options, name):
            scores |= theirs(python, name, cases)
    print(f"{platform.platform()}, Python {platform.python_version()}, {datetime.now(UTC):%Y-%m-%d}; {len(rows)} texts")
    labels = {row["id"]: bool(row["label"]) for row in rows}
    for name, found in scores.items():
        table = Counter((bool(found[key]), label) for key, label in labels.items())
        other = sum(bool(found[key]) != bool(scores["or1-eval"][key]) for key in labels)
        right = table[True, True] + table[False, False]
        print(
            f"| {name} | {sum(map(bool, found.values()))} | {right} | {table[True, False]} | {table[False, True]} | {other} |"
        )
    for name, found in scores.items():
        for row in rows:
            if bool(found[row["id"]]) != bool(scores["or1-eval"][row["id"]]):
                text = row["prediction"][-90:]
                print(
                    f"{name}: {found[row['id']]}, label {int(row['label'])}, {row['kind']} {row['id']}: gold {row['gold'][:40]!r} ...{text!r}"
                )


if __name__ == "__main__":
    sys.exit(main())
