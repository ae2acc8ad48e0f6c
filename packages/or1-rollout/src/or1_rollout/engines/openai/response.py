"""Responses of the OpenAI-compatible interface, whole or in pieces."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from or1_rollout.engines.openai.errors import ResponseError
from or1_rollout.engines.openai.sampled_with import echoed
from or1_rollout.engines.openai.tool_calls import ToolCall, ToolCallParts
from or1_rollout.types import Completion, FinishReason

_REASONS: Final = {
    "stop": FinishReason.STOP,
    "eos": FinishReason.STOP,
    "eos_token": FinishReason.STOP,
    "end_turn": FinishReason.STOP,
    "stop_sequence": FinishReason.STOP,
    "tool_calls": FinishReason.STOP,
    "length": FinishReason.LENGTH,
    "max_tokens": FinishReason.LENGTH,
}
"""Everything else (a content filter, an error, an abort) says nothing about the model: `FinishReason.ABORT`."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Response:
    """One finished response.

    `text` is without the `reasoning` that a server keeps apart. `token_ids` are empty and `logprobs` None where the
    server does not give them; `num_tokens` then comes from its usage count, and is -1 where that is missing too. `said`
    is what the server says of model and sampling (`sampled_with.echoed`), `ended_by` its own word for the end.
    """

    text: str
    reasoning: str = ""
    finish_reason: FinishReason = FinishReason.STOP
    token_ids: NDArray[np.int32] = field(default_factory=lambda: np.zeros(0, dtype=np.int32))
    logprobs: NDArray[np.float32] | None = None
    num_tokens: int = -1
    said: Mapping[str, Any] = field(default_factory=dict)
    ended_by: str = "stop"
    tool_calls: tuple[ToolCall, ...] = ()
    """Those that the server has taken out of the text."""

    def completion(
        self, seed: int, *, keeps_logprobs: bool, joins_reasoning: bool = True, weight_version: int = 0
    ) -> Completion:
        """The response as an engine reports it."""
        return Completion(
            token_ids=self.token_ids,
            logprobs=self.logprobs if keeps_logprobs else None,
            text=self.joined_text if joins_reasoning else self.text,
            finish_reason=self.finish_reason,
            seed=seed,
            weight_version=weight_version,
            reasoning=self.reasoning or None,
        )

    @property
    def joined_text(self) -> str:
        """The text with the reasoning in front of it, between `<think>` marks, as the model wrote it."""
        if not self.reasoning:
            return self.text
        is_closed = bool(self.text) or self.finish_reason is not FinishReason.LENGTH
        return f"<think>\n{self.reasoning}\n</think>\n\n{self.text}" if is_closed else f"<think>\n{self.reasoning}"


@dataclass(slots=True)
class ResponseParts:
    """One response, put together from the pieces of a stream or from a single whole one."""

    text: list[str] = field(default_factory=list)
    reasoning: list[str] = field(default_factory=list)
    token_ids: list[int] = field(default_factory=list)
    logprobs: list[float] = field(default_factory=list)
    finish_reason: str | None = None
    num_tokens: int = -1
    said: dict[str, Any] = field(default_factory=dict)
    tool_calls: ToolCallParts = field(default_factory=ToolCallParts)

    def add(self, payload: str | bytes) -> int:
        """Take one JSON object of the response; how many new tokens it brought.

        Raises `ResponseError` for an object of another kind. Objects without choices (usage, keep-alive) bring nothing.
        """
        data = _object(payload)
        if data.get("error"):
            raise ResponseError(f"the server answered with an error: {data['error']}")
        self.said |= echoed(data)
        try:
            counted = (data.get("usage") or {}).get("completion_tokens")
            self.num_tokens = self.num_tokens if counted is None else int(counted)
            choices = data["choices"]
            return self._choice(choices[0]) if choices else 0
        except (KeyError, IndexError, TypeError, AttributeError, ValueError, OverflowError) as error:
            raise ResponseError(f"no completion in {str(data)[:200]} ({error!r})") from error

    def response(self) -> Response:
        """The finished response. Raises `ResponseError` where it stopped without saying why."""
        if self.finish_reason is None:
            raise ResponseError("the response ended in the middle")
        has_logprobs = bool(self.token_ids) and len(self.logprobs) == len(self.token_ids)
        return Response(
            text="".join(self.text),
            reasoning="".join(self.reasoning),
            finish_reason=_REASONS.get(str(self.finish_reason), FinishReason.ABORT),
            token_ids=np.array(self.token_ids, dtype=np.int32),
            logprobs=np.array(self.logprobs, dtype=np.float32) if has_logprobs else None,
            num_tokens=len(self.token_ids) or self.num_tokens,
            said=self.said,
            ended_by=str(self.finish_reason),
            tool_calls=self.tool_calls.calls(),
        )

    def _choice(self, choice: Mapping[str, Any]) -> int:
        message = choice.get("delta", choice.get("message"))
        if message is None:
            text, reasoning = choice["text"] or "", ""
        else:
            text = _text(message.get("content"))
            reasoning = message.get("reasoning") or message.get("reasoning_content") or ""
            self.tool_calls.add(message.get("tool_calls"))
        if not (isinstance(text, str) and isinstance(reasoning, str)):
            raise TypeError("the text is not a string")
        self.text.append(text)
        self.reasoning.append(reasoning)
        token_ids = [int(token) for token in choice.get("token_ids") or ()]
        self.token_ids += token_ids
        self.logprobs += _logprobs(choice.get("logprobs"))
        self.finish_reason = choice.get("finish_reason") or self.finish_reason
        if "delta" not in choice and self.num_tokens > 0 and self.finish_reason:
            return self.num_tokens - len(self.token_ids) + len(token_ids)
        return len(token_ids) or int(bool(text or reasoning))


def _text(content: Any) -> Any:
    """A message's text; some servers give it in parts."""
    if isinstance(content, list):
        return "".join(part["text"] for part in content if part.get("type") == "text")
    return content or ""


def _object(payload: str | bytes) -> Mapping[str, Any]:
    try:
        value = json.loads(payload)
    except (ValueError, RecursionError) as error:
        raise ResponseError(f"no JSON: {payload[:200]!r}") from error
    if not isinstance(value, dict):
        raise ResponseError(f"not a JSON object: {payload[:200]!r}")
    return value


def _logprobs(given: Any) -> list[float]:
    """Log-probs of the sampled tokens; both interfaces' shapes. JSON has no NaN, so a server may say null."""
    if not given:
        return []
    if "content" in given:
        values = [entry["logprob"] for entry in given["content"] or ()]
    else:
        values = list(given.get("token_logprobs") or ())
    numbers = [math.nan if value is None else float(value) for value in values]
    if not all(math.isfinite(number) for number in numbers):
        raise ValueError("a log-prob that is not finite")
    return numbers
