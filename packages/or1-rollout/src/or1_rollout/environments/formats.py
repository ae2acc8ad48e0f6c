"""How calls look in a turn, and how their results are shown."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from or1_rollout.environments.protocol import Observation

Call = tuple[str, Mapping[str, Any]]
"""Name and arguments."""

MOST_CALLS: Final = 8
"""Calls of one turn that are made; the policy is told that the others were not."""

_FENCED: Final = re.compile(r"```python[^\S\n]*\n((?:(?!```).)*)```\s*\Z", re.DOTALL)
"""The last block of a text. No part is read twice, so that a long text costs time in proportion."""


class CallFormat(Protocol):
    """A way to write calls that models know."""

    @property
    def stop(self) -> Sequence[str]:
        """Strings that end a turn."""

    @property
    def is_described_by_template(self) -> bool:
        """Whether the chat template tells the model of the tools."""

    def calls(self, turn: str) -> Sequence[Call | str]:
        """The calls of a turn in their order; a text where one is malformed, which is what the policy is told."""

    def observation(self, results: Sequence[str]) -> Observation:
        """What the policy is shown."""


@dataclass(frozen=True, slots=True)
class HermesCalls:
    """`<tool_call>{"name": ..., "arguments": {...}}</tool_call>`, as the templates of Hermes and Qwen have it."""

    stop: Sequence[str] = ()
    is_described_by_template: bool = True

    def calls(self, turn: str) -> Sequence[Call | str]:
        """Every block of the turn that is closed."""
        pieces = (piece.partition("</tool_call>") for piece in turn.split("<tool_call>")[1:])
        blocks = [block for block, closed, _ in pieces if closed]
        return [
            _parsed(block) if place < MOST_CALLS else f"error: a turn has at most {MOST_CALLS} calls"
            for place, block in enumerate(blocks)
        ]

    def observation(self, results: Sequence[str]) -> Observation:
        """One message; the template wraps it, further results are wrapped here."""
        return Observation("\n</tool_response>\n<tool_response>\n".join(results))


@dataclass(frozen=True, slots=True)
class FencedCalls:
    """Code between ```` ```python ```` and ```` ``` ````, answered by an ```` ```output ```` block in the same turn."""

    tool: str = "python"
    stop: Sequence[str] = ("```\n",)
    is_described_by_template: bool = False

    def calls(self, turn: str) -> Sequence[Call | str]:
        """The block that the turn ends with."""
        block = _FENCED.search(turn)
        return [] if block is None else [(self.tool, {"code": block[1]})]

    def observation(self, results: Sequence[str]) -> Observation:
        """A block behind the code; what would close it too early is left out."""
        text = "\n".join(results).replace("```", "'''").rstrip("\n")
        return Observation(f"```output\n{text}\n```\n", role=None)


@dataclass(frozen=True, slots=True)
class AskedCalls:
    """`12+7=?`, answered by `19;`: one line of text to one tool, for small policies with an alphabet of their own."""

    tool: str = "calculator"
    argument: str = "expression"
    asks: str = "=?"
    behind: str = ";"
    stop: Sequence[str] = ()
    is_described_by_template: bool = False

    def calls(self, turn: str) -> Sequence[Call | str]:
        """A turn that ends with the question."""
        if not turn.endswith(self.asks):
            return []
        line = turn.removesuffix(self.asks).rpartition("\n")[2].rpartition(self.behind)[2]
        return [(self.tool, {self.argument: line})]

    def observation(self, results: Sequence[str]) -> Observation:
        """The result alone."""
        return Observation("".join(f"{result}{self.behind}" for result in results))


def _parsed(block: str) -> Call | str:
    try:
        call = json.loads(block)
        arguments = call.get("arguments", {})
        arguments = json.loads(arguments) if isinstance(arguments, str) else arguments
        if not isinstance(call["name"], str) or not isinstance(arguments, dict):
            raise TypeError("name must be a text and arguments an object")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        return f'error: a call is {{"name": ..., "arguments": {{...}}}} as JSON ({type(error).__name__}: {error})'
    return call["name"], arguments
