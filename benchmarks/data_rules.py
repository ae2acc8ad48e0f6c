"""Precision and recall of the rules on hand-labeled real lines.

    uv run benchmarks/data_rules.py ../shared/data

The labels (tests/data/rule_labels.json: file, line, labels) were given by one reader, before the last fixes of the
rules; the last 295, of other files, before the changes of `needs_checker` and `missing_figure` that they led to;
the lines are a stratified sample: what the rules hit, what a loose pattern hits and they do not, and random lines.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path

from data_common import print_machine

from or1_data.io.rows import iter_rows
from or1_data.rules import RULES, find
from or1_data.sources import detect

LABELS = Path(__file__).resolve().parents[1] / "tests" / "data" / "rule_labels.json"
NO_LABELS = ("drawing", "bad_tests")
"""A note on what a row has, and a rule that a test compares with what or1-reward refuses."""


def score(folder: Path) -> tuple[dict[str, Counter[str]], list[str]]:
    """Per rule: true and false positives, misses; and the mistakes as text."""
    wanted = {}
    for file, line, labels in json.loads(LABELS.read_text()):
        wanted.setdefault(file, {})[line] = set(labels)
    rules = [rule for rule in RULES if rule not in NO_LABELS]
    counts = {rule: Counter() for rule in rules}
    mistakes = []
    for file, lines in wanted.items():
        for found in iter_rows(folder / file):
            if found.line in lines:
                problem = detect(found.row).convert(found.row, "x")
                said = {finding.rule for finding in find(problem, rules)}
                for rule in rules:
                    kind = {(True, True): "tp", (True, False): "fp", (False, True): "fn", (False, False): "tn"}[
                        rule in said, rule in lines[found.line]
                    ]
                    counts[rule][kind] += 1
                    if kind in ("fp", "fn"):
                        mistakes.append(f"{kind} {rule} {file}:{found.line}")
    return counts, mistakes


def main() -> None:
    counts, mistakes = score(Path(sys.argv[1] if len(sys.argv) > 1 else "../shared/data"))
    print_machine("or1-data")
    print(f"{sum(next(iter(counts.values())).values())} lines")
    for rule, c in counts.items():
        precision = c["tp"] / (c["tp"] + c["fp"]) if c["tp"] + c["fp"] else float("nan")
        recall = c["tp"] / (c["tp"] + c["fn"]) if c["tp"] + c["fn"] else float("nan")
        print(f"{rule:16} precision {precision:.3f}  recall {recall:.3f}  (tp {c['tp']}, fp {c['fp']}, fn {c['fn']})")
    print("\n".join(mistakes))


if __name__ == "__main__":
    main()
