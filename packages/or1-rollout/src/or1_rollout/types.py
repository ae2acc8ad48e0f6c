"""The words every engine speaks: prompts in, groups of completions out.

Axes: P prompts, G completions per prompt (`params.n`), T tokens of one completion.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

Message = Mapping[str, str]
"""One chat message, `{"role": ..., "content": ...}`."""

Prompt = str | Sequence[int] | Sequence[Message]
"""Plain text, token ids, or chat messages (the engine applies its tokenizer's chat template)."""


MAX_PENALTY = 2.0
"""Of presence and frequency, on both sides, as the OpenAI-compatible interface has it."""


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
    min_p: float = 0.0
    repetition_penalty: float = 1.0
    presence_penalty: float = 0.0
    frequency_penalty: float = 0.0
    stop: tuple[str, ...] = ()
    stop_token_ids: tuple[int, ...] = ()
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse values that no engine can sample with."""
        if self.n < 1 or self.max_new_tokens < 1:
            raise ValueError(f"n and max_new_tokens must be at least 1, got {self.n} and {self.max_new_tokens}")
        if not (0 <= self.temperature < math.inf and 0 < self.top_p <= 1):
            raise ValueError(f"need temperature >= 0 and 0 < top_p <= 1, got {self.temperature} and {self.top_p}")
        if isinstance(self.stop, str) or "" in self.stop:
            raise ValueError(f"stop is a tuple of strings, none of them empty, not {self.stop!r}")
        if self.top_k < -1:
            raise ValueError(f"top_k is a number of tokens, or -1 for all of them, not {self.top_k}")
        if not (0 <= self.min_p <= 1 and 0 < self.repetition_penalty < math.inf):
            raise ValueError(
                f"need 0 <= min_p <= 1 and repetition_penalty > 0, got {self.min_p} and {self.repetition_penalty}"
            )
        if not (abs(self.presence_penalty) <= MAX_PENALTY and abs(self.frequency_penalty) <= MAX_PENALTY):
            raise ValueError(
                "presence_penalty and frequency_penalty lie between -2 and 2, got "
                f"{self.presence_penalty} and {self.frequency_penalty}"
            )

    @property
    def has_penalties(self) -> bool:
        """Whether min_p or a penalty changes the distribution."""
        neutral = (0.0, 1.0, 0.0, 0.0)
        return neutral != (self.min_p, self.repetition_penalty, self.presence_penalty, self.frequency_penalty)

    @property
    def is_plain(self) -> bool:
        """Whether samples are drawn from the model's whole distribution: nothing cut off, no penalty."""
        return self.top_p == 1.0 and self.top_k < 1 and not self.has_penalties


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """A stretch of a response: tokens that one version of the policy sampled, or tokens that it was shown."""

    text: str
    num_tokens: int
    is_sampled: bool
    """False for an observation: what an environment added."""
    weight_version: int = 0
    """Of the policy that sampled it."""
    ends_turn: bool = True
    """False where a weight sync interrupted the turn, which the next segment goes on with."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Completion:
    """One sampled continuation, token by token.

    `token_ids` include the end-of-sequence token when `finish_reason` is stop by that token; they are empty where a
    server gives only text. `logprobs` are those of the sampled tokens under the distribution they were drawn from
    (temperature applied, before top-p/top-k), None where the engine cannot give them. `weight_version` is the version
    of the last weight sync (0: as loaded). `reasoning` is what a server reports apart from the text.

    A response of several turns (`or1_rollout.environments`) has `segments`, in the order of its tokens; its text and
    its tokens contain the observations, whose log-probs are 0. `weight_version` is then that of the first segment.

    Two completions are equal if all their values are.
    """

    token_ids: NDArray[np.int32]
    logprobs: NDArray[np.float32] | None
    text: str
    finish_reason: FinishReason
    seed: int = 0
    weight_version: int = 0
    reasoning: str | None = None
    segments: tuple[Segment, ...] = ()

    def __post_init__(self) -> None:
        """Convert sequences of numbers to arrays."""
        object.__setattr__(self, "token_ids", np.asarray(self.token_ids, dtype=np.int32))
        if self.logprobs is not None:
            object.__setattr__(self, "logprobs", np.asarray(self.logprobs, dtype=np.float32))

    @property
    def is_sampled_T(self) -> NDArray[np.bool_]:
        """Which tokens the policy sampled: not those of observations."""
        if not self.segments:
            return np.ones(len(self.token_ids), np.bool_)
        return np.repeat([one.is_sampled for one in self.segments], [one.num_tokens for one in self.segments])

    @property
    def versions_T(self) -> NDArray[np.int32]:
        """Version of the weights that sampled each token; of an observation that of the policy it was shown to."""
        if not self.segments:
            return np.full(len(self.token_ids), self.weight_version, np.int32)
        versions = np.array([one.weight_version for one in self.segments], np.int32)
        return np.repeat(versions, [one.num_tokens for one in self.segments])

    @property
    def num_sampled(self) -> int:
        """Tokens that the policy sampled."""
        return int(self.is_sampled_T.sum())

    @property
    def last_turn(self) -> str:
        """Text of the policy's last turn, which its answer is looked for in: what a tool printed is no answer."""
        if not self.segments:
            return self.text
        texts: list[str] = []
        for segment in reversed(self.segments):
            if not segment.is_sampled or (texts and segment.ends_turn):
                break
            texts.insert(0, segment.text)
        return "".join(texts)

    def __eq__(self, other: object) -> bool:
        """Compare by value."""
        return self.to_json() == other.to_json() if isinstance(other, Completion) else NotImplemented

    def __hash__(self) -> int:
        """Hash by value."""
        return hash((self.token_ids.tobytes(), self.text, self.seed))

    def to_json(self) -> dict[str, Any]:
        """The fields as JSON can hold them: arrays as lists of numbers."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        plain = {name: value.tolist() if isinstance(value, np.ndarray) else value for name, value in values.items()}
        return plain | {"segments": [asdict(segment) for segment in self.segments]}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """The completion that `to_json` gave. Raises `ValueError`, `KeyError` or `TypeError` for anything else."""
        segments = tuple(Segment(**segment) for segment in values.get("segments", ()))
        return cls(**{**values, "finish_reason": FinishReason(values["finish_reason"]), "segments": segments})
