"""What is in a file, and what is wrong with it."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from or1_data.answers import check
from or1_data.difficulty.counts import counts_of
from or1_data.errors import SchemaError
from or1_data.rules.stage import find
from or1_data.schema import ORIGIN, Problem
from or1_data.sources.read import read_source
from or1_data.verifying import load_verifier


def describe(problems: Iterable[Problem], bad: Sequence[SchemaError]) -> dict[str, Any]:
    """The facts: rows, sources, kinds, statement lengths, multiplicity, findings of the rules, difficulty."""
    sources, kinds, ids, findings = Counter[str](), Counter[str](), Counter[str](), Counter[str]()
    lengths: list[int] = []
    failures: dict[str, Counter[str]] = {}
    for problem in problems:
        sources[problem.data_source] += 1
        kinds[problem.kind] += 1
        ids[problem.id] += 1
        lengths.append(len(problem.statement))
        findings.update({finding.rule for finding in find(problem)})
        for model, count in counts_of(problem).items():
            failures.setdefault(model, Counter())[f"{count.num_failures}/{count.num_attempts}"] += 1
    return {
        "rows": len(lengths),
        "broken_rows": len(bad),
        "first_broken": [str(error) for error in islice(bad, 3)],
        "different_problems": len(ids),
        "multiplicity": {str(times): number for times, number in sorted(Counter(ids.values()).items())},
        "sources": dict(sources.most_common()),
        "kinds": dict(kinds.most_common()),
        "statement_chars": _spread(lengths),
        "rule_findings": dict(findings.most_common()),
        "failures_of_attempts": {model: dict(sorted(counts.items())) for model, counts in failures.items()},
    }


def _spread(values: list[int]) -> dict[str, float]:
    if not values:
        return {}
    return {
        "min": min(values),
        "median": statistics.median(values),
        "mean": round(statistics.fmean(values), 1),
        "max": max(values),
    }


def describe_json(facts: dict[str, Any]) -> str:
    """The facts as lines for people."""
    lines = []
    for name, value in facts.items():
        if isinstance(value, dict):
            shown = ", ".join(
                f"{key}: {entry:,}" if isinstance(entry, int | float) else f"{key}: {entry}"
                for key, entry in value.items()
            )
        elif isinstance(value, list):
            shown = "; ".join(map(str, value))
        else:
            shown = f"{value:,}" if isinstance(value, int) else str(value)
        if shown:
            lines.append(f"{name.replace('_', ' '):22} {shown}")
    times = [int(number) for number in facts["multiplicity"]]
    if times and max(times) > 1 and facts["rows"] > 1.5 * facts["different_problems"]:
        lines.append(
            f"note: {facts['rows']:,} rows are only {facts['different_problems']:,} problems; the other rows are repeats"  # noqa: E501
        )
    return "\n".join(lines)


def faults(paths: Sequence[str], source: str, columns: Mapping[str, Any], verifier: str) -> Iterator[str | None]:
    """For each row None if it is sound, else one line that says what is wrong with it."""
    bad: list[SchemaError] = []
    judge = load_verifier(verifier) if verifier else None
    for number, problem in enumerate(read_source(paths, source, columns=columns, set_aside=bad.append), start=1):
        yield from (str(error) for error in bad)
        bad.clear()
        reasons = [f"tests: {finding.text}" for finding in find(problem, ("bad_tests",))]
        if judge and problem.ability == "math":
            note = check(problem, judge)
            if note.get("gold_verifies") is False:
                reasons.append(f"the gold {problem.ground_truth} does not verify as itself")
            if "failed" in note:
                reasons.append(f"the verifier failed: {note['failed']}")
        origin = problem.extra_info.get(ORIGIN) or {}
        place = f"{origin.get('file', paths[0])}, line {origin.get('line', number)} ({problem.id})"
        yield f"{place}: {'; '.join(reasons)}; repair or drop it" if reasons else None
    yield from (str(error) for error in bad)
