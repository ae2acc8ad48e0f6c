"""The words every engine speaks: prompts in, groups of completions out.

Axes: P prompts, G completions per prompt (`params.n`), T tokens of one completion.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

Message = Mapping[str, str]
"""One chat message, `{"role": ..., "content": ...}`."""

Prompt = str | Sequence[int] | Sequence[Message]
"""Plain text, token ids, or chat messages (the engine applies its tokenizer's chat template)."""


class FinishReason(StrEnum):
    """Why a completion ended."""

    STOP = "stop"
    """The end-of-sequence token or a stop condition was reached."""
    LENGTH = "length"
    """`max_new_tokens` was reached first: the response is truncated."""
    ABORT = "abort"
    """The engine gave the request up; its tokens are a prefix."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SamplingParams:
    """How to sample; the defaults are the report's (temperature 1, top-p 1).

    `seed` is used only where `generate` is given no `seeds`. Temperature 0 is greedy.
    """

    n: int = 1
    max_new_tokens: int = 1024
    temperature: float = 1.0
    top_p: float = 1.0
    top_k: int = -1
    stop: tuple[str, ...] = ()
    stop_token_ids: tuple[int, ...] = ()
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse values that no engine can sample with."""
        if self.n < 1 or self.max_new_tokens < 1:
            raise ValueError(f"n and max_new_tokens must be at least 1, got {self.n} and {self.max_new_tokens}")
        if not (0 <= self.temperature < math.inf and 0 < self.top_p <= 1):
            raise ValueError(f"need temperature >= 0 and 0 < top_p <= 1, got {self.temperature} and {self.top_p}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """One sampled continuation: what the policy really emitted, token by token.

    `token_ids` include the end-of-sequence token when `finish_reason` is stop by that token. `logprobs` are those of
    the sampled tokens under the distribution they were drawn from (temperature applied, before top-p/top-k), None
    where the engine cannot give them. `weight_version` is the version last pushed into the engine (0: as loaded).
    `token_ids` are empty where a server tells only text; `reasoning` is what a server keeps apart from the text.
    """

    token_ids: tuple[int, ...]
    logprobs: tuple[float, ...] | None
    text: str
    finish_reason: FinishReason
    seed: int = 0
    weight_version: int = 0
    reasoning: str | None = None
