"""Turns to text, and observations to the tokens that follow a turn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from or1_rollout.environments.protocol import Observation
from or1_rollout.errors import EnvironmentFailure

_TURN = "or1-turn"
"""Stands for the policy's turn where the template is asked what follows one."""


class TurnCodec:
    """One tokenizer's. The ids of earlier turns are never made from text again: only observations are encoded."""

    def __init__(self, tokenizer: Any) -> None:
        """Any tokenizer of `transformers`."""
        self._tokenizer = tokenizer

    def decode(self, token_ids: Sequence[int]) -> str:
        """Text without special tokens."""
        return str(self._tokenizer.decode(list(token_ids), skip_special_tokens=True))

    def encode(self, observation: Observation, turn_ids: Sequence[int]) -> list[int]:
        """Tokens that stand between a turn and the next one.

        With a role and a chat template: the rest of the turn as the template ends one, the message, and the beginning
        of the next turn. An end token that the policy sampled itself is not repeated.

        Raises:
            EnvironmentFailure: the template does not let a message of this role follow a turn.
        """
        if observation.role is None or not self._tokenizer.chat_template:
            return self._ids(observation.text)
        ids = self._ids(self._behind_turn(observation))
        return ids[1:] if ids and len(turn_ids) and ids[0] == turn_ids[-1] else ids

    def _ids(self, text: str) -> list[int]:
        return list(self._tokenizer.encode(text, add_special_tokens=False))

    def _behind_turn(self, observation: Observation) -> str:
        turns = [{"role": "user", "content": "?"}, {"role": "assistant", "content": _TURN}]
        message = {"role": observation.role, "content": observation.text}
        text = str(self._tokenizer.apply_chat_template([*turns, message], tokenize=False, add_generation_prompt=True))
        before, found, behind = text.partition(_TURN)
        alone = str(self._tokenizer.apply_chat_template(turns, tokenize=False)).partition(_TURN)
        if not found or before != alone[0] or not behind.startswith(alone[2].rstrip()):
            raise EnvironmentFailure(
                f"the chat template changes earlier turns when a message of role {observation.role!r} follows, so that "
                "its tokens cannot be appended; take a format whose observations continue the turn"
            )
        return behind
