"""Star clusters: which copy stays, and which go because they match that very copy.

Connected components chain: A is like B, B like C, and a whole source can hang on one string of templates. Here a row
goes only if its own similarity to the row that stays was counted and is at or above the threshold.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from or1_data.dedup.join import Pairs
from or1_data.dedup.records import DedupRecord, preference
from or1_data.dedup.same import Comparison

_COMPARED_CLASSES: Final = 12
"""One text with more different answers than this is a conflict without a closer look at the answers."""
_SHOWN: Final = 8


@dataclass(frozen=True, slots=True)
class Decision:
    """What is noted on one document.

    `duplicate_of` is the document that stays in its place; `conflicts` are the first documents with the same text and
    another answer (neither can be trusted); `variants` counts near duplicates that stay.
    """

    duplicate_of: int = -1
    similarity: float = 0.0
    conflicts: tuple[int, ...] = ()
    variants: int = 0
    copies: int = 0


def star_clusters(
    records: Mapping[int, DedupRecord], pairs: Pairs, comparison: Comparison, priority: tuple[str, ...] = ()
) -> dict[int, Decision]:
    """Decisions for the documents that occur in `pairs`; `records` must hold all of those."""
    order = sorted(records, key=lambda document: preference(records[document], priority))
    rank = {document: index for index, document in enumerate(order)}
    return _Stars(records, pairs, comparison, rank).decide(order)


class _Stars:
    def __init__(
        self, records: Mapping[int, DedupRecord], pairs: Pairs, comparison: Comparison, rank: Mapping[int, int]
    ) -> None:
        self.records, self.comparison = records, comparison
        self.decisions: dict[int, Decision] = {}
        self.followers: dict[int, list[int]] = defaultdict(list)
        members, self.leader = _identical(pairs)
        self.edges = _edges(pairs, self.leader)
        self.standing: dict[int, list[int]] = {}
        """Leader of an identical text -> the documents that stay of it, one per answer."""
        for head, documents in members.items():
            self.standing[head] = self._classes(sorted(documents, key=rank.__getitem__))

    def _classes(self, documents: Sequence[int]) -> list[int]:
        """One document for each answer of a text, best first; the others are copies of them."""
        stay: list[int] = []
        unknown: set[tuple[int, int]] = set()
        by_answer: dict[tuple[str, str, str], int] = {}
        for document in documents:
            keys = [(r.kind, r.entry_point, answer) for r in [self.records[document]] for answer in r.canonical_answers]
            of = next((by_answer[key] for key in keys if key in by_answer), None)
            if of is None and len(stay) <= _COMPARED_CLASSES:
                of = self._same_as(document, stay, unknown)
            if of is None:
                stay.append(document)
            else:
                self._drop(document, of, 1.0)
            by_answer.update(dict.fromkeys(keys, document if of is None else of))
        self._note_conflicts(stay, unknown)
        return stay

    def _same_as(self, document: int, stay: Sequence[int], unknown: set[tuple[int, int]]) -> int | None:
        for other in stay:
            same = self.comparison.agree(self.records[other], self.records[document])
            if same and (self.records[other].id == self.records[document].id or self._copies(other, document)):
                return other
            if same is None:
                unknown |= {(other, document), (document, other)}
        return None

    def _copies(self, kept: int, other: int) -> bool:
        return self.comparison.are_copies(self.records[kept], self.records[other])

    def _note_conflicts(self, stay: Sequence[int], unknown: set[tuple[int, int]]) -> None:
        for document in stay:
            others = (
                other for other in stay
                if other != document and self.records[other].id == self.records[document].id
                and (document, other) not in unknown
            )  # fmt: skip
            first = tuple(other for other, _ in zip(others, range(_SHOWN), strict=False))
            decision = self.decisions.get(document, Decision())
            variants = 0 if first else len(stay) - 1
            self.decisions[document] = replace(decision, conflicts=first, variants=variants)

    def decide(self, order: Sequence[int]) -> dict[int, Decision]:
        """Near copies of what stays, the best documents first."""
        settled: set[int] = set()
        for document in order:
            decision = self.decisions.setdefault(document, Decision())
            if decision.duplicate_of < 0:
                settled.add(document)
                self._near(document, settled)
        return self.decisions

    def _near(self, document: int, settled: set[int]) -> None:
        own = self.leader.get(document, document)
        variants = 0
        for group, similarity in self.edges.get(own, {}).items():
            for other in self._standing(group):
                if other not in settled and self._copies(document, other):
                    self._drop(other, document, similarity)
                else:
                    variants += 1
        decision = self.decisions[document]
        self.decisions[document] = replace(decision, variants=decision.variants + variants)

    def _standing(self, group: int) -> Iterator[int]:
        """What stays of a text; of one with very many answers only the first ones are looked at."""
        for document in self.standing.get(group, [group])[:_COMPARED_CLASSES]:
            if self.decisions.get(document, Decision()).duplicate_of < 0:
                yield document

    def _drop(self, document: int, kept: int, similarity: float) -> None:
        """Drop a document, and let its own copies point to the one that stays."""
        gone = self.decisions.get(document, Decision())
        decision = self.decisions.get(kept, Decision())
        self.decisions[kept] = replace(decision, copies=decision.copies + 1 + gone.copies)
        followers = [document, *self.followers.pop(document, ())]
        self.followers[kept] += followers
        for follower in followers:
            self.decisions[follower] = Decision(duplicate_of=kept, similarity=similarity)


def _identical(pairs: Pairs) -> tuple[dict[int, list[int]], dict[int, int]]:
    """Documents with equal shingles: group leader -> members, and member -> leader."""
    members: dict[int, list[int]] = {}
    leader: dict[int, int] = {}
    for first, second, similarity in zip(
        pairs.first.tolist(), pairs.second.tolist(), pairs.similarity.tolist(), strict=True
    ):
        if similarity == 1.0:
            head = leader.setdefault(first, first)
            leader[second] = head
            members.setdefault(head, [head]).append(second)
    return members, leader


def _edges(pairs: Pairs, leader: Mapping[int, int]) -> dict[int, dict[int, float]]:
    edges: dict[int, dict[int, float]] = defaultdict(dict)
    for first, second, similarity in zip(
        pairs.first.tolist(), pairs.second.tolist(), pairs.similarity.tolist(), strict=True
    ):
        if similarity < 1.0:
            one, other = leader.get(first, first), leader.get(second, second)
            edges[one][other] = edges[other][one] = similarity
    return edges
