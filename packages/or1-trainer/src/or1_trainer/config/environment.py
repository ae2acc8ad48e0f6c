"""Settings of the environment that answers the policy's turns (docs/tools.md)."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from or1_trainer.config.base import AtLeastOne, AtLeastZero, Settings

Reference = Annotated[str, Meta(pattern=r"^([\w.]+:\w+)?$")]
"""`package.module:name`, or nothing."""


class EnvironmentSettings(Settings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Tools that the policy may call, or an environment of your own; without any, a response is one turn."""

    tools: tuple[Literal["calculator", "python", "search"], ...] = ()
    """`python` runs in or1-reward's sandbox, `search` looks into the text files of `search_folder`."""
    search_folder: str = ""
    """Of `search`: the folder whose files are searched."""
    format: Literal["hermes", "fenced", "asked"] = "hermes"
    """How calls look: Hermes and Qwen tool calls; ```` ```python ```` blocks; `12+7=?` for small policies."""
    system: str = ""
    """System message in front of the problem's own."""
    make: Reference = ""
    """Function without arguments that returns an `or1_rollout.environments.Environment`, instead of `tools`."""
    turns: AtLeastOne = 8
    """Turns of the policy; a response that wants more is truncated."""
    observation_tokens: AtLeastZero = 1024
    """Tokens of all observations of a response, which `context_tokens` does not count; one with more is truncated."""
    lag_steps: AtLeastZero = 8
    """With engines in this process: decoding steps after which an answer enters the batch, however fast the tool is, so
    that samples can be repeated bit by bit; the engine waits for a tool that takes longer. 0: as soon as it is there,
    and samples are equal up to rounding."""
    threads: AtLeastOne = 64
    """Tools that work at the same time, per rank."""

    @property
    def is_active(self) -> bool:
        """Whether responses have several turns."""
        return bool(self.tools or self.make)
