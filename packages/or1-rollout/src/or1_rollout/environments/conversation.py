"""One response between policy and environment: what is sampled next, and what ends it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from or1_rollout.environments.codec import TurnCodec
from or1_rollout.environments.protocol import Episode, TurnLimits
from or1_rollout.environments.transcript import Transcript
from or1_rollout.seeds import turn_seed
from or1_rollout.turns import TurnRequest
from or1_rollout.types import Completion, FinishReason


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationSettings:
    """What the conversations of a call have in common."""

    codec: TurnCodec
    limits: TurnLimits
    stop: Sequence[str]
    """Strings that end a turn."""
    piece_tokens: int | None = None
    """A turn is sampled in pieces of at most so many tokens, between which the weights may change."""


class Conversation:
    """One response. Its environment is asked in `take`, which works in a thread."""

    def __init__(
        self, key: int, prompt_ids: Sequence[int], episode: Episode, seed: int, max_sampled: int,
        settings: ConversationSettings,
    ) -> None:  # fmt: skip
        """`max_sampled`: tokens that the policy may sample in all turns together."""
        self._key, self._seed, self._max_sampled, self._settings = key, seed, max_sampled, settings
        self.episode, self._transcript = episode, Transcript(prompt_ids, seed)
        self._turn_ids: list[int] = []
        """Of the turn that is being sampled."""
        self.was_answered = False
        """Whether the environment has answered a turn."""

    def request(self) -> TurnRequest:
        """The next piece to be sampled."""
        transcript = self._transcript
        left = self._max_sampled - transcript.num_sampled
        return TurnRequest(
            key=self._key,
            prompt=transcript.context_ids,
            seed=turn_seed(self._seed, transcript.num_segments),
            max_new_tokens=min(left, self._piece_tokens()),
        )

    def take(self, piece: Completion) -> TurnRequest | Completion:
        """Take what was sampled; the next request, or the complete response. Raises what the environment raises."""
        codec, transcript = self._settings.codec, self._transcript
        self._turn_ids += piece.token_ids.tolist()
        turn, has_left = codec.decode(self._turn_ids), transcript.num_sampled + len(piece.token_ids) < self._max_sampled
        is_stopped = piece.finish_reason is FinishReason.STOP or self._has_stop(turn)
        goes_on = piece.finish_reason is FinishReason.LENGTH and has_left and not is_stopped
        transcript.add_sampled(piece, codec.decode(piece.token_ids.tolist()), ends_turn=not goes_on)
        if goes_on:
            return self.request()
        if not is_stopped:
            return transcript.completion(piece.finish_reason)
        return self._asked(turn)

    def aborted(self) -> Completion:
        """The response as far as it came."""
        return self._transcript.completion(FinishReason.ABORT)

    def _asked(self, turn: str) -> TurnRequest | Completion:
        """Let the environment answer a turn that has ended."""
        transcript, limits = self._transcript, self._settings.limits
        observation = self.episode.respond(turn)
        self.was_answered = True
        if observation is None:
            return transcript.completion(FinishReason.STOP)
        ids = self._settings.codec.encode(observation, self._turn_ids)
        room = limits.observation_tokens - transcript.num_observed
        is_over = transcript.num_turns >= limits.turns or transcript.num_sampled >= self._max_sampled
        if is_over or len(ids) > room:
            return transcript.completion(FinishReason.LENGTH)
        transcript.add_observation(ids, self._settings.codec.decode(ids))
        self._turn_ids = []
        return self.request()

    def _piece_tokens(self) -> int:
        """One token where a stop string may have begun, which the engine sees only within a piece."""
        if self._settings.piece_tokens is None:
            return self._max_sampled
        turn = self._settings.codec.decode(self._turn_ids)
        begins = any(turn.endswith(stop[:end]) for stop in self._settings.stop for end in range(1, len(stop)))
        return 1 if begins else self._settings.piece_tokens

    def _has_stop(self, turn: str) -> bool:
        """Whether a stop string lies across pieces; within one the engine has found it."""
        return self._settings.piece_tokens is not None and any(stop in turn for stop in self._settings.stop)
