r"""Set builders by what they hold: `\{x : x > 2\}` is an interval, `\{x \in \mathbb{Z} : 0 < x < 3\}` is {1, 2}."""

from __future__ import annotations

import math
from typing import Final

from or1_reward.maths.equal import exact
from or1_reward.maths.equal.realsets import Piece, isolated, real_set
from or1_reward.maths.parse.nodes import Node, num

_REALS: Final = "reals"
_WHOLE_FROM: Final = {"integers": None, "integers+": 1, "integers>0": 1, "naturals": 1, "naturals+": 1, "naturals*": 1}
_MOST_MEMBERS: Final = 64


def held(builder: Node) -> Node | None:
    """The set that a builder describes, None where its domain or its condition is another than those above."""
    variable, condition = builder.args
    conditions = list(condition.args) if condition.op == "list" and condition.value != "or" else [condition]
    domains = [part.args[1] for part in (variable, *conditions) if _is_membership(part)]
    conditions = [part for part in conditions if not _is_membership(part)]
    if variable.op == "chain":
        variable = variable.args[0]
    if not conditions or len(domains) > 1:
        return None
    solved = isolated(conditions[0] if len(conditions) == 1 else Node("list", tuple(conditions)))
    if solved is None or solved[0] != variable:
        return None
    domain = str(domains[0].value) if domains else _REALS
    return solved[1] if domain == _REALS else _whole_members(solved[1], domain)


def _is_membership(node: Node) -> bool:
    r"""Whether a node says `x \in \mathbb{...}`."""
    return node.op == "chain" and node.value == "in" and node.args[1].op == "text"


def _whole_members(condition: Node, domain: str) -> Node | None:
    pieces = real_set(condition)
    if pieces is None or domain not in _WHOLE_FROM:
        return None
    least, found = _WHOLE_FROM[domain], list[int]()
    for piece in pieces:
        bounds = _whole_bounds(piece, least)
        if bounds is None or bounds[1] - bounds[0] > _MOST_MEMBERS:
            return None
        found += range(bounds[0], bounds[1] + 1)
    if domain.startswith("naturals") and 1 in found and _holds_zero(pieces):
        return None  # whether 0 is a natural number is a matter of taste
    return Node("set", tuple(map(num, found)))


def _whole_bounds(piece: Piece, least: int | None) -> tuple[int, int] | None:
    """The smallest and the largest whole number in a piece with rational ends."""
    high = None if math.isinf(piece.to) else exact.rational(piece.high)
    low = None if math.isinf(piece.at) else exact.rational(piece.low)
    if high is None or (low is None and (least is None or not math.isinf(piece.at))):
        return None
    first = math.ceil(low) if low is not None else least or 0
    last = math.floor(high)
    first += low is not None and first == low and not piece.low_closed
    last -= last == high and not piece.high_closed
    return max(first, least) if least is not None else first, last


def _holds_zero(pieces: list[Piece]) -> bool:
    return any(piece.at < 0 < piece.to or (piece.at == 0 and piece.low_closed) for piece in pieces)
