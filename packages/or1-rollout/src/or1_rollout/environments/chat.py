"""A response of several turns through the chat interface of a server, as messages: for evaluations.

Token by token it is `MultiTurnEngine` that does it. Here earlier turns go to the server as text, and an observation
that continues a turn becomes a message of the user's, because servers do not go on with a message of the assistant.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np

from or1_rollout.engines.openai.client import OpenAIClient
from or1_rollout.engines.openai.request import request_body
from or1_rollout.engines.openai.response import Response
from or1_rollout.environments.protocol import Environment, Episode, TurnLimits
from or1_rollout.seeds import turn_seed
from or1_rollout.types import Completion, FinishReason, Message, Prompt, SamplingParams, Segment

CHARACTERS_PER_TOKEN: Final = 4
"""By which the limit of observation tokens is taken, as the server's tokenizer is not here."""


async def converse(
    client: OpenAIClient,
    environment: Environment,
    prompt: Prompt,
    params: SamplingParams,
    *,
    seed: int,
    limits: TurnLimits | None = None,
) -> Completion:
    """One response; its text shows the observations between `<tool_response>` marks, its tokens are only counted.

    Raises:
        RequestRefusedError, EndpointError: as `OpenAIClient.send`.
        EnvironmentFailure: the environment failed.
    """
    first = _messages(prompt)
    messages = list(environment.messages(first))
    episode = environment.start({"prompt": first}, seed)
    conversation = _Conversation(
        client=client,
        environment=environment,
        episode=episode,
        params=params,
        seed=seed,
        limits=limits or TurnLimits(),
        messages=messages,
    )
    try:
        return await conversation.run()
    finally:
        episode.close()


@dataclass(slots=True, kw_only=True, eq=False)
class _Conversation:
    client: OpenAIClient
    environment: Environment
    episode: Episode
    params: SamplingParams
    seed: int
    limits: TurnLimits
    messages: list[Mapping[str, Any]]
    segments: list[Segment] = field(default_factory=list)

    async def run(self) -> Completion:
        while True:
            response = await self.client.send(self._body())
            calls = [call.text for call in response.tool_calls]
            text = "\n".join(part for part in (response.joined_text, *calls) if part)
            self.segments.append(Segment(text=text, num_tokens=max(0, response.num_tokens), is_sampled=True))
            if response.finish_reason is not FinishReason.STOP:
                return self._completion(response.finish_reason)
            observed = await asyncio.to_thread(self._observed, response, text)
            if not observed:
                return self._completion(FinishReason.STOP)
            if not self._has_room(observed):
                return self._completion(FinishReason.LENGTH)
            self._show(response, observed)

    def _body(self) -> dict[str, Any]:
        stop = (*self.params.stop, *self.environment.stop)
        params = replace(self.params, n=1, max_new_tokens=self._left(), stop=stop)
        seed = turn_seed(self.seed, len(self.segments))
        body = request_body(self.client.model, self.messages, params, seed, logprobs=False)
        tools = [dict(tool) for tool in self.environment.tools]
        return body | ({"tools": tools} if tools else {})

    def _observed(self, response: Response, text: str) -> list[str]:
        """One text per call that the server has found, or one for all that the text itself has; none: no call."""
        turns = [call.text for call in response.tool_calls] or [text]
        observations = [self.episode.respond(turn) for turn in turns]
        return [one.text for one in observations if one is not None]

    def _has_room(self, observed: Sequence[str]) -> bool:
        turns = sum(segment.is_sampled for segment in self.segments)
        shown = sum(len(segment.text) for segment in self.segments if not segment.is_sampled)
        characters = CHARACTERS_PER_TOKEN * self.limits.observation_tokens
        return turns < self.limits.turns and self._left() > 0 and shown + sum(map(len, observed)) <= characters

    def _left(self) -> int:
        return self.params.max_new_tokens - sum(one.num_tokens for one in self.segments if one.is_sampled)

    def _show(self, response: Response, observed: Sequence[str]) -> None:
        said: dict[str, Any] = {"role": "assistant", "content": response.joined_text}
        if response.tool_calls:
            said["tool_calls"] = [call.message for call in response.tool_calls]
            shown: list[Mapping[str, Any]] = [
                {"role": "tool", "tool_call_id": call.id, "content": text}
                for call, text in zip(response.tool_calls, observed, strict=True)
            ]
        else:
            shown = [{"role": "user", "content": "\n".join(observed)}]
        self.messages += [said, *shown]
        text = "".join(f"\n<tool_response>\n{one}\n</tool_response>\n" for one in observed)
        self.segments.append(Segment(text=text, num_tokens=0, is_sampled=False))

    def _completion(self, finish_reason: FinishReason) -> Completion:
        return Completion(
            token_ids=np.zeros(0, np.int32),
            logprobs=None,
            text="".join(segment.text for segment in self.segments),
            finish_reason=finish_reason,
            seed=self.seed,
            segments=tuple(self.segments),
        )


def _messages(prompt: Prompt) -> list[Message]:
    if isinstance(prompt, str):
        return [{"role": "user", "content": prompt}]
    messages = [message for message in prompt if isinstance(message, Mapping)]
    if len(messages) < len(prompt) or not messages:
        raise ValueError("the chat interface takes text or messages, not token ids")
    return messages
