"""One response between policy and environment: what is sampled next, and what ends it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from or1_rollout.environments.codec import TurnCodec
from or1_rollout.environments.protocol import Episode, TurnLimits
from or1_rollout.seeds import turn_seed
from or1_rollout.turns import TurnRequest
from or1_rollout.types import Completion, FinishReason, Segment


@dataclass(slots=True, kw_only=True, eq=False)
class Conversation:
    """One response: sampled ids as they were sampled, observations between them.

    Its environment is asked in `take`, which works in a thread.
    """

    key: int
    prompt_ids: Sequence[int]
    episode: Episode
    seed: int
    max_sampled: int
    """Tokens that the policy may sample in all turns together."""
    codec: TurnCodec
    limits: TurnLimits
    stop: Sequence[str]
    """Strings that end a turn."""
    piece_tokens: int | None
    """A turn is sampled in pieces of at most so many tokens, between which the weights may change."""
    was_answered: bool = False
    """Whether the environment has answered a turn."""
    _segments: list[Segment] = field(default_factory=list)
    _token_ids: list[int] = field(default_factory=list)
    _logprobs: list[float] | None = field(default_factory=list)
    """None where the engine does not tell them."""
    _turn_ids: list[int] = field(default_factory=list)
    """Of the turn that is being sampled."""

    def request(self) -> TurnRequest:
        """The next piece to be sampled."""
        left = self.max_sampled - self._num_tokens(is_sampled=True)
        return TurnRequest(
            key=self.key,
            prompt=[*self.prompt_ids, *self._token_ids],
            seed=turn_seed(self.seed, len(self._segments)),
            max_new_tokens=min(left, self._piece_tokens()),
        )

    def take(self, piece: Completion) -> TurnRequest | Completion:
        """Take what was sampled; the next request, or the complete response. Raises what the environment raises."""
        ids: list[int] = piece.token_ids.tolist()
        self._turn_ids += ids
        turn = self.codec.decode(self._turn_ids)
        has_left = self._num_tokens(is_sampled=True) + len(ids) < self.max_sampled
        is_stopped = piece.finish_reason is FinishReason.STOP or self._has_stop(turn)
        goes_on = piece.finish_reason is FinishReason.LENGTH and has_left and not is_stopped
        logprobs = None if piece.logprobs is None else piece.logprobs.tolist()
        segment = Segment(
            text=self.codec.decode(ids),
            num_tokens=len(ids),
            is_sampled=True,
            weight_version=piece.weight_version,
            ends_turn=not goes_on,
        )
        self._add(ids, logprobs, segment)
        if goes_on:
            return self.request()
        return self._asked(turn) if is_stopped else self.completion(piece.finish_reason)

    def completion(self, finish_reason: FinishReason) -> Completion:
        """The response so far as an engine reports it; one turn alone is an ordinary completion."""
        return Completion(
            token_ids=np.array(self._token_ids, np.int32),
            logprobs=None if self._logprobs is None else np.array(self._logprobs, np.float32),
            text="".join(segment.text for segment in self._segments),
            finish_reason=finish_reason,
            seed=self.seed,
            weight_version=self._segments[0].weight_version if self._segments else 0,
            segments=tuple(self._segments) if len(self._segments) > 1 else (),
        )

    def _asked(self, turn: str) -> TurnRequest | Completion:
        """Let the environment answer a turn that has ended."""
        observation = self.episode.respond(turn)
        self.was_answered = True
        if observation is None:
            return self.completion(FinishReason.STOP)
        ids = self.codec.encode(observation, self._turn_ids)
        turns = sum(one.is_sampled and one.ends_turn for one in self._segments)
        is_over = turns >= self.limits.turns or self._num_tokens(is_sampled=True) >= self.max_sampled
        if is_over or self._num_tokens(is_sampled=False) + len(ids) > self.limits.observation_tokens:
            return self.completion(FinishReason.LENGTH)
        text, version = self.codec.decode(ids), self._segments[-1].weight_version
        segment = Segment(text=text, num_tokens=len(ids), is_sampled=False, weight_version=version)
        self._add(ids, [0.0] * len(ids), segment)
        self._turn_ids = []
        return self.request()

    def _add(self, ids: list[int], logprobs: list[float] | None, segment: Segment) -> None:
        self._token_ids += ids
        self._logprobs = None if self._logprobs is None or logprobs is None else self._logprobs + logprobs
        self._segments.append(segment)

    def _num_tokens(self, *, is_sampled: bool) -> int:
        """Tokens so far that the policy sampled, or those of observations."""
        return sum(one.num_tokens for one in self._segments if one.is_sampled == is_sampled)

    def _piece_tokens(self) -> int:
        """One token where a stop string may have begun, which the engine sees only within a piece."""
        if self.piece_tokens is None:
            return self.max_sampled
        turn = self.codec.decode(self._turn_ids)
        begins = any(turn.endswith(stop[:end]) for stop in self.stop for end in range(1, len(stop)))
        return 1 if begins else self.piece_tokens

    def _has_stop(self, turn: str) -> bool:
        """Whether a stop string lies across pieces; within one the engine has found it."""
        return self.piece_tokens is not None and any(stop in turn for stop in self.stop)
