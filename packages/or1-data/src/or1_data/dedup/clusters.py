"""Star clusters: which copy stays, and which go because they match that very copy.

Connected components chain: A is like B, B like C, and a whole source can hang on one string of templates. Here a row
goes only if its own similarity to the row that stays was counted and is at or above the threshold.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from or1_data.dedup.join import Pairs
from or1_data.dedup.records import DedupRecord, SameAnswer, agree, preference


@dataclass(frozen=True, slots=True)
class Decision:
    """What is noted on one document.

    `duplicate_of` is the document that stays in its place; `conflicts` are documents with the same text and another
    answer (neither can be trusted); `variants` counts near duplicates that stay because their answer differs.
    """

    duplicate_of: int = -1
    similarity: float = 0.0
    conflicts: tuple[int, ...] = ()
    variants: int = 0
    copies: int = 0


def star_clusters(
    records: Mapping[int, DedupRecord], pairs: Pairs, same_answer: SameAnswer, priority: tuple[str, ...] = ()
) -> dict[int, Decision]:
    """Decisions for the documents that occur in `pairs`; `records` must hold all of those."""
    members, leader = _identical(pairs)
    edges = _edges(pairs, leader)
    order = sorted(records, key=lambda document: preference(records[document], priority))
    gone: dict[int, Decision] = {}
    kept: dict[int, Decision] = {}
    for document in order:
        if document in gone:
            continue
        own = leader.get(document, document)
        conflicts: list[int] = []
        variants = copies = 0
        for group, similarity in ((own, 1.0), *edges.get(own, {}).items()):
            for other in members.get(group, (group,)):
                if other == document or other in gone:
                    continue
                same = agree(records[document], records[other], same_answer)
                if same:
                    if other not in kept:
                        gone[other] = Decision(duplicate_of=document, similarity=similarity)
                        copies += 1
                elif same is False and similarity == 1.0 and records[document].id == records[other].id:
                    conflicts.append(other)
                else:
                    variants += 1
        kept[document] = Decision(conflicts=tuple(sorted(conflicts)), variants=variants, copies=copies)
    return {**kept, **gone}


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
