"""Requests and responses of the OpenAI-compatible interface, as this package uses it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import numpy as np

from or1_rollout.types import Completion, FinishReason, Prompt, SamplingParams

OPTIONAL: Final = ("return_token_ids", "stream_options", "logprobs", "seed", "max_tokens")
"""Fields that change nothing of what is sampled; a server that refuses one is asked again without it."""

_REASONS: Final = {
    "stop": FinishReason.STOP,
    "eos": FinishReason.STOP,
    "stop_sequence": FinishReason.STOP,
    "length": FinishReason.LENGTH,
    "max_tokens": FinishReason.LENGTH,
}


class WireError(ValueError):
    """A response that is none of this interface; worth another try, as a proxy may have cut it."""


def request_body(model: str, prompt: Prompt, params: SamplingParams, seed: int, *, stream: bool) -> dict[str, Any]:
    """The body of one request for one sample: messages go to the chat interface, text and token ids to the other."""
    body: dict[str, Any] = {
        "model": model,
        "temperature": params.temperature,
        "top_p": params.top_p,
        "max_tokens": params.max_new_tokens,
        "seed": seed % 2**63,
        "n": 1,
        "return_token_ids": True,  # vLLM's: the sampled ids come back beside the text
    }
    if params.top_k > 0:
        body["top_k"] = params.top_k
    if params.stop:
        body["stop"] = list(params.stop)
    if params.stop_token_ids:
        body["stop_token_ids"] = list(params.stop_token_ids)
    if stream:
        body["stream"] = True
    if isinstance(prompt, str):
        return body | {"prompt": prompt, "logprobs": 0}
    messages = [dict(message) for message in prompt if isinstance(message, Mapping)]
    if messages:
        return body | {"messages": messages, "logprobs": True}
    return body | {"prompt": [int(token) for token in prompt if not isinstance(token, Mapping)], "logprobs": 0}


def path_of(body: Mapping[str, Any]) -> str:
    """Where a body goes, below `/v1`."""
    return "/chat/completions" if "messages" in body else "/completions"


def refused_field(refusal: str, body: Mapping[str, Any]) -> str | None:
    """The optional field of `body` that a refusal names; None where nothing of what it names can be left out."""
    return next((name for name in OPTIONAL if name in body and name in refusal), None)


def leave_out(body: dict[str, Any], name: str) -> None:
    """Take an optional field out; `max_tokens` goes on under its newer name."""
    value = body.pop(name)
    if name == "max_tokens":
        body["max_completion_tokens"] = value


@dataclass(slots=True)
class Pieces:
    """One response, put together from the pieces of a stream or from a single whole one."""

    text: str = ""
    reasoning: str = ""
    token_ids: list[int] = field(default_factory=list)
    logprobs: list[float] = field(default_factory=list)
    finish_reason: str | None = None

    def add(self, data: Mapping[str, Any]) -> int:
        """Take one JSON object of the response; how many tokens it brought.

        Raises `WireError` for an object of another kind. Objects without choices (usage, keep-alive) bring nothing.
        """
        if "error" in data:
            raise WireError(f"the server broke off: {data['error']}")
        try:
            choices = data["choices"]
            return self._choice(choices[0]) if choices else 0
        except (KeyError, IndexError, TypeError, AttributeError, ValueError) as error:
            raise WireError(f"no completion in {str(data)[:200]} ({error!r})") from error

    def completion(self, seed: int, *, reasoning: Literal["joined", "apart"]) -> Completion:
        """The finished response. Raises `WireError` where it stopped without saying why."""
        if self.finish_reason is None:
            raise WireError("the response ended in the middle")
        logprobs = self.logprobs if len(self.logprobs) == len(self.token_ids) and self.token_ids else None
        return Completion(
            token_ids=np.array(self.token_ids, dtype=np.int32),
            logprobs=None if logprobs is None else np.array(logprobs, dtype=np.float32),
            text=self._joined() if reasoning == "joined" else self.text,
            finish_reason=_REASONS.get(self.finish_reason, FinishReason.ABORT),
            seed=seed,
            reasoning=self.reasoning or None,
        )

    def _choice(self, choice: Mapping[str, Any]) -> int:
        message = choice.get("delta", choice.get("message"))
        if message is None:
            self.text += choice["text"] or ""
        else:
            self.text += message.get("content") or ""
            self.reasoning += message.get("reasoning") or message.get("reasoning_content") or ""
        token_ids = [int(token) for token in choice.get("token_ids") or ()]
        self.token_ids += token_ids
        self.logprobs += _logprobs(choice.get("logprobs"))
        self.finish_reason = choice.get("finish_reason") or self.finish_reason
        return len(token_ids) or 1

    def _joined(self) -> str:
        if not self.reasoning:
            return self.text
        is_closed = bool(self.text) or self.finish_reason not in ("length", "max_tokens")
        return f"<think>\n{self.reasoning}\n</think>\n\n{self.text}" if is_closed else f"<think>\n{self.reasoning}"


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
        raise ValueError("a log-prob that is no finite number")
    return numbers
