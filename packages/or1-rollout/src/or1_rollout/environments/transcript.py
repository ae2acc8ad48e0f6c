"""A response while it grows: sampled ids as they were sampled, observations between them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from or1_rollout.types import Completion, FinishReason, Segment


class Transcript:
    """The segments of one response."""

    def __init__(self, prompt_ids: Sequence[int], seed: int) -> None:
        """Nothing is sampled yet."""
        self._prompt_ids, self._seed = list(prompt_ids), seed
        self._token_ids: list[NDArray[np.int32]] = []
        self._logprobs: list[NDArray[np.float32] | None] = []
        self._segments: list[Segment] = []

    @property
    def context_ids(self) -> list[int]:
        """Prompt and response so far: what the next turn is sampled from."""
        return [*self._prompt_ids, *(token for ids in self._token_ids for token in ids.tolist())]

    @property
    def num_segments(self) -> int:
        """Pieces so far, sampled and shown."""
        return len(self._segments)

    @property
    def num_turns(self) -> int:
        """Turns of the policy so far that have ended."""
        return sum(one.is_sampled and one.ends_turn for one in self._segments)

    @property
    def num_sampled(self) -> int:
        """Tokens that the policy sampled so far."""
        return sum(one.num_tokens for one in self._segments if one.is_sampled)

    @property
    def num_observed(self) -> int:
        """Tokens of observations so far."""
        return sum(one.num_tokens for one in self._segments if not one.is_sampled)

    def add_sampled(self, completion: Completion, text: str, *, ends_turn: bool = True) -> None:
        """Append what the policy sampled, with its text."""
        self._append(completion.token_ids, completion.logprobs)
        sampled = Segment(
            text=text,
            num_tokens=len(completion.token_ids),
            is_sampled=True,
            weight_version=completion.weight_version,
            ends_turn=ends_turn,
        )
        self._segments.append(sampled)

    def add_observation(self, token_ids: Sequence[int], text: str) -> None:
        """Append what the policy is shown."""
        version = self._segments[-1].weight_version if self._segments else 0
        self._append(np.array(token_ids, np.int32), np.zeros(len(token_ids), np.float32))
        self._segments.append(Segment(text=text, num_tokens=len(token_ids), is_sampled=False, weight_version=version))

    def completion(self, finish_reason: FinishReason) -> Completion:
        """The response as an engine reports it; one turn alone is an ordinary completion."""
        known = [logprobs for logprobs in self._logprobs if logprobs is not None]
        return Completion(
            token_ids=np.concatenate([np.zeros(0, np.int32), *self._token_ids]),
            logprobs=np.concatenate([np.zeros(0, np.float32), *known]) if len(known) == len(self._logprobs) else None,
            text="".join(segment.text for segment in self._segments),
            finish_reason=finish_reason,
            seed=self._seed,
            weight_version=self._segments[0].weight_version if self._segments else 0,
            segments=tuple(self._segments) if len(self._segments) > 1 else (),
        )

    def _append(self, token_ids: NDArray[np.int32], logprobs: NDArray[np.float32] | None) -> None:
        self._token_ids.append(token_ids)
        self._logprobs.append(logprobs)
