"""Tool calls that a server has taken out of the model's text."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class ToolCall:
    """One call; `arguments` as the model wrote them, which may be no JSON."""

    id: str
    name: str
    arguments: str

    @property
    def message(self) -> dict[str, Any]:
        """As a message of the assistant has it."""
        return {"id": self.id, "type": "function", "function": {"name": self.name, "arguments": self.arguments}}

    @property
    def text(self) -> str:
        """As Hermes and Qwen write it."""
        try:
            arguments: Any = json.loads(self.arguments or "{}")
        except (ValueError, RecursionError):
            arguments = self.arguments
        written = json.dumps({"name": self.name, "arguments": arguments}, ensure_ascii=False)
        return f"<tool_call>\n{written}\n</tool_call>"


@dataclass(slots=True)
class ToolCallParts:
    """Calls put together from the pieces of a stream, or from a whole message."""

    _parts: dict[int, dict[str, str]] = field(default_factory=dict)

    def add(self, given: Sequence[Mapping[str, Any]] | None) -> None:
        """Take the `tool_calls` of a message or of a piece of one."""
        for place, call in enumerate(given or ()):
            part = self._parts.setdefault(int(call.get("index", place)), {"id": "", "name": "", "arguments": ""})
            function = call.get("function") or {}
            part["id"] += call.get("id") or ""
            part["name"] += function.get("name") or ""
            part["arguments"] += function.get("arguments") or ""

    def calls(self) -> tuple[ToolCall, ...]:
        """The calls in their order."""
        return tuple(ToolCall(**self._parts[index]) for index in sorted(self._parts))
