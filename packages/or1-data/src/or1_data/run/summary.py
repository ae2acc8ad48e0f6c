"""What the report and the manifest need to know, gathered in one pass and in bounded memory."""

from __future__ import annotations

import hashlib
import heapq
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from or1_data.difficulty.counts import counts_of
from or1_data.ground_truth import answers
from or1_data.schema import ORIGIN, Problem

_BINS: Final = 20
_SHOWN_CHARS: Final = 1500


@dataclass
class Summary:
    """Counts per source, reason, score and model.

    Samples are the rows with the smallest hash, so not the first ones.
    """

    num_samples: int = 500
    """Samples of each reason at most; where a reason has no more rows, they are all of them."""
    rows: Counter[str] = field(default_factory=Counter)
    kept: Counter[str] = field(default_factory=Counter)
    dropped: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    """First reason -> source -> rows: the funnel, each row counted once."""
    touched: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    """Every reason -> source -> rows: what each rule alone would drop."""
    histograms: dict[str, list[int]] = field(default_factory=dict)
    difficulty: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    difficulty_by_source: dict[tuple[str, str], Counter[tuple[bool, str]]] = field(
        default_factory=lambda: defaultdict(Counter)
    )
    """(model, source) -> (kept, how much of it is solved) -> rows."""
    overlaps: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    copies: Counter[int] = field(default_factory=Counter)
    samples: dict[str, list[tuple[int, int, dict[str, Any]]]] = field(default_factory=lambda: defaultdict(list))
    sampled: Counter[str] = field(default_factory=Counter)
    """Reason -> rows that the samples were drawn from."""
    composition: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    """Feature (kind of answer, length, subject) -> value -> rows."""
    composition_kept: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    licenses: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    """Source -> the licenses that its kept rows state."""
    calls: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    """Model -> calls, tokens, longest answer."""

    def add(self, problem: Problem, reasons: list[str]) -> None:
        """Count one row."""
        source = problem.data_source
        self.rows[source] += 1
        if reasons:
            self.dropped[reasons[0]][source] += 1
            for reason in reasons:
                self.touched[reason][source] += 1
                self._sample(reason, problem)
        else:
            self.kept[source] += 1
            self._sample("kept", problem)
            if stated := (problem.extra_info.get(ORIGIN) or {}).get("license"):
                self.licenses[source].add(str(stated))
        for feature, value in features_of(problem):
            self.composition[feature][value] += 1
            self.composition_kept[feature][value] += not reasons
        self._scores(problem)
        self._difficulty(problem, kept=not reasons)
        self._calls(problem)

    def _scores(self, problem: Problem) -> None:
        note = problem.notes.get("dedup") or {}
        if "similarity" in note:
            self._bin("similarity of duplicates", note["similarity"])
        if "copies" in note:
            self.copies[note["copies"] + 1] += 1
        overlap = problem.notes.get("decontaminate")
        if overlap:
            self._bin("benchmark overlap", overlap["score"])
            self.overlaps[overlap["benchmark"]][overlap["class"]] += 1
            if overlap["class"] == "template":
                self._sample("reported:template", problem)
        votes = problem.notes.get("judge")
        if votes and votes.get("asked"):
            self._bin("share of accepting votes", votes["accepted"] / votes["asked"])

    def _difficulty(self, problem: Problem, *, kept: bool) -> None:
        for model, count in counts_of(problem).items():
            if count.num_attempts:
                self.difficulty[model][f"{count.rate:.2f}"] += 1
                self.difficulty_by_source[model, problem.data_source][kept, solved(count.rate)] += 1

    def _calls(self, problem: Problem) -> None:
        for model, own in (problem.notes.get("difficulty") or {}).items():
            tokens = own.get("tokens") or [0]
            self.calls[model].update({"calls": own.get("num_attempts", 0), "tokens": sum(tokens)})
            self.calls[model]["longest"] = max(self.calls[model]["longest"], *tokens)
        for model, votes in ((problem.notes.get("judge") or {}).get("votes") or {}).items():
            self.calls[f"{model} (judge)"].update({"calls": len(votes), "tokens": 0, "longest": 0})

    def _bin(self, name: str, score: float) -> None:
        self.histograms.setdefault(name, [0] * _BINS)[min(_BINS - 1, max(0, int(score * _BINS)))] += 1

    def _sample(self, reason: str, problem: Problem) -> None:
        """Keep the rows with the smallest hashes: a sample that does not depend on order."""
        digest = hashlib.sha256(f"{reason}:{problem.id}:{problem.data_source}".encode()).digest()
        entry = (-int.from_bytes(digest[:7], "big"), self.rows.total(), _shown(problem))
        self.sampled[reason] += 1
        heap = self.samples[reason]
        if len(heap) < self.num_samples:
            heapq.heappush(heap, entry)
        else:
            heapq.heappushpop(heap, entry)

    def samples_of(self, reason: str) -> list[dict[str, Any]]:
        """The sample rows of a reason."""
        return [row for _, _, row in sorted(self.samples[reason], reverse=True, key=lambda entry: entry[:2])]

    def show_what_stays(self, problems: Iterable[Problem]) -> None:
        """Put the statement of the row that stays beside each sample of a copy, in one more pass over the rows."""
        copies = [row for reason in ("dedup:exact", "dedup:near") for _, _, row in self.samples.get(reason, ())]
        wanted: dict[str, list[dict[str, Any]]] = {}
        for row in copies:
            wanted.setdefault(row["notes"]["dedup"]["duplicate_of"], []).append(row)
        rows = iter(problems)
        while wanted and (problem := next(rows, None)) is not None:
            if "duplicate_of" not in (problem.notes.get("dedup") or {}):
                for row in wanted.pop(problem.id, ()):
                    row["stays"] = problem.statement[:_SHOWN_CHARS]

    def counts(self) -> dict[str, Any]:
        """The numbers, for the manifest."""
        return {
            "rows": dict(sorted(self.rows.items())),
            "kept": dict(sorted(self.kept.items())),
            "dropped_by_first_reason": {reason: dict(sources) for reason, sources in sorted(self.dropped.items())},
            "touched_by_reason": {reason: dict(sources) for reason, sources in sorted(self.touched.items())},
            "overlaps": {name: dict(kinds) for name, kinds in sorted(self.overlaps.items())},
            "difficulty": {model: dict(sorted(rates.items())) for model, rates in sorted(self.difficulty.items())},
            "copies": {str(number): rows for number, rows in sorted(self.copies.items())},
        }


SOLVED: Final = ("never", "up to half", "more than half", "always")


def solved(rate: float) -> str:
    """How much of a problem's attempts solve it, as one of `SOLVED`."""
    return SOLVED[0 if rate == 0 else 3 if rate == 1 else 1 if rate <= 0.5 else 2]


_NUMBER: Final = re.compile(r"-?\d[\d,]*(\.\d+)?")
_SUBJECTS: Final = ("subject", "type", "problem_type", "topic", "domain", "subfield", "task")


def features_of(problem: Problem) -> Iterator[tuple[str, str]]:
    """What the composition of a set is told by: kind of answer, length of the statement, subject."""
    yield "answer", _answer_kind(problem)
    yield "characters", f"up to {1 << max(5, (len(problem.statement) - 1).bit_length())}"
    for key in _SUBJECTS:
        value = problem.extra_info.get(key)
        first = value[0] if isinstance(value, list) and value else value
        if isinstance(first, str) and first:
            yield "subject", first.split("->")[-1].strip()[:40] or first[:40]
            return


def _answer_kind(problem: Problem) -> str:
    if problem.ability == "code":
        return f"code: {problem.kind}"
    gold = answers(problem.ground_truth)[0].strip().strip("$")
    found = _NUMBER.fullmatch(gold)
    if found:
        return "decimal" if found[1] else "integer"
    return "words" if gold.replace(" ", "").isalpha() and len(gold) > 1 else "expression"


def _shown(problem: Problem) -> dict[str, Any]:
    return {
        "id": problem.id,
        "source": problem.data_source,
        "statement": problem.statement[:_SHOWN_CHARS],
        "ground_truth": problem.ground_truth[:120],
        "notes": dict(problem.notes),
    }
