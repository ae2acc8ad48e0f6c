"""Tools, and the environment that calls them where the policy asks for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from or1_rollout.environments.formats import CallFormat
from or1_rollout.environments.protocol import Observation, Problem
from or1_rollout.types import Message

Arguments = Mapping[str, Any]


class OpenTool(Protocol):
    """A tool during one response, with what it remembers between calls."""

    def call(self, arguments: Arguments) -> str:
        """What the policy is shown. Wrong arguments and failing calls are told in words, never raised."""

    def close(self) -> None:
        """Release what is held."""


class Tool(Protocol):
    """Something that the policy may call."""

    @property
    def name(self) -> str:
        """As calls name it."""

    @property
    def description(self) -> str:
        """For the model."""

    @property
    def parameters(self) -> Mapping[str, Any]:
        """JSON schema of the arguments."""

    @property
    def is_deterministic(self) -> bool:
        """Whether equal calls in equal order always give equal results."""

    def open(self, problem: Problem, seed: int) -> OpenTool:
        """The tool for one response."""


@dataclass(frozen=True, slots=True, eq=False)
class ToolEnvironment:
    """Calls `tools` as `form` says that calls look. A turn without a call ends the response. Fits `Environment`."""

    all_tools: Sequence[Tool]
    form: CallFormat
    system: str = ""
    """Message in front of the problem's own; empty: none."""

    @property
    def name(self) -> str:
        """The names of the tools, and of the format."""
        return f"{'+'.join(tool.name for tool in self.all_tools)} by {type(self.form).__name__}"

    @property
    def stop(self) -> Sequence[str]:
        """Those of the format."""
        return self.form.stop

    @property
    def tools(self) -> Sequence[Mapping[str, Any]]:
        """For the chat template, where the format is the template's."""
        if not self.form.is_described_by_template:
            return ()
        return [
            {
                "type": "function",
                "function": {"name": tool.name, "description": tool.description, "parameters": dict(tool.parameters)},
            }
            for tool in self.all_tools
        ]

    @property
    def is_deterministic(self) -> bool:
        """Whether all tools are."""
        return all(tool.is_deterministic for tool in self.all_tools)

    def messages(self, messages: Sequence[Message]) -> Sequence[Message]:
        """The problem's, behind the system message."""
        return [{"role": "system", "content": self.system}, *messages] if self.system else messages

    def start(self, problem: Problem, seed: int) -> ToolEpisode:
        """Tools are opened when they are first called."""
        return ToolEpisode(self, problem, seed)


class ToolEpisode:
    """The tools of one response. Fits `Episode`."""

    def __init__(self, environment: ToolEnvironment, problem: Problem, seed: int) -> None:
        self._environment, self._problem, self._seed = environment, problem, seed
        self._open: dict[str, OpenTool] = {}

    def respond(self, turn: str) -> Observation | None:
        """The results of all calls of the turn, in their order."""
        form = self._environment.form
        calls = form.calls(turn)
        if not calls:
            return None
        return form.observation([call if isinstance(call, str) else self._call(*call) for call in calls])

    def close(self) -> None:
        """Close the tools that were opened."""
        for tool in self._open.values():
            tool.close()
        self._open.clear()

    def _call(self, name: str, arguments: Arguments) -> str:
        if name not in self._open:
            found = {tool.name: tool for tool in self._environment.all_tools}
            if name not in found:
                return f"error: no tool is named {name!r}; there are {', '.join(found)}"
            self._open[name] = found[name].open(self._problem, self._seed)
        return self._open[name].call(arguments)
