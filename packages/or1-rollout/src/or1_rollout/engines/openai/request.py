"""Requests of the OpenAI-compatible interface, as this package makes them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from or1_rollout.types import Prompt, SamplingParams

CARRIERS: Final = ("return_token_ids", "stream_options", "logprobs")
"""Fields that decide what comes back beside the text, not what is sampled."""

NEUTRAL: Final[Mapping[str, object]] = {
    "top_k": -1,
    "min_p": 0.0,
    "repetition_penalty": 1.0,
    "presence_penalty": 0.0,
    "frequency_penalty": 0.0,
    "n": 1,
}
"""Values at which a sampling field does nothing.

They are sent all the same: vLLM fills what is missing from the model's `generation_config.json` (vllm issue 15241). A
server that does not know such a field is asked again without it.
"""

_TOO_LARGE: Final = re.compile(r"too large|too long|exceed|less than|at most|greater than|context", re.IGNORECASE)


def request_body(
    model: str, prompt: Prompt, params: SamplingParams, seed: int | None, *, logprobs: bool = True
) -> dict[str, Any]:
    """The body of one request for one sample: messages go to the chat interface, text and token ids to the other."""
    body: dict[str, Any] = {
        "model": model,
        "temperature": params.temperature,
        "top_p": params.top_p,
        "top_k": params.top_k if params.top_k > 0 else -1,
        "min_p": params.min_p,
        "repetition_penalty": params.repetition_penalty,
        "presence_penalty": params.presence_penalty,
        "frequency_penalty": params.frequency_penalty,
        "max_tokens": params.max_new_tokens,
        "n": 1,
        "return_token_ids": True,  # vLLM's: the sampled ids come back beside the text
    }
    if seed is not None:
        body["seed"] = seed % 2**63
    if params.stop:
        body["stop"] = list(params.stop)
    if params.stop_token_ids:
        body["stop_token_ids"] = list(params.stop_token_ids)
    body |= _prompt_fields(prompt)
    if logprobs:
        body["logprobs"] = True if "messages" in body else 0
    return body


def _prompt_fields(prompt: Prompt) -> dict[str, Any]:
    if isinstance(prompt, str):
        return {"prompt": prompt}
    messages = [dict(message) for message in prompt if isinstance(message, Mapping)]
    token_ids = [int(token) for token in prompt if not isinstance(token, Mapping)]
    return {"messages": messages} if messages else {"prompt": token_ids}


def route_of(body: Mapping[str, Any]) -> str:
    """Where a body goes, below `/v1`."""
    return "/chat/completions" if "messages" in body else "/completions"


def refused_field(refusal: str, body: Mapping[str, Any]) -> str | None:
    """The field of `body` that a refusal names and that can be left out; None where there is none.

    `max_tokens` can be renamed only on the chat interface, and only where its name is refused: a limit that is too
    large is an error, since the completions interface would go on with a default of 16 tokens.
    """
    named = [name for name in body if re.search(rf"\b{name}\b", refusal)]
    optional = [name for name in named if name in CARRIERS or name == "seed" or body[name] == NEUTRAL.get(name)]
    if optional:
        return optional[0]
    is_renamed = "max_tokens" in named and "messages" in body and not _TOO_LARGE.search(refusal)
    return "max_tokens" if is_renamed else None


def leave_out(body: dict[str, Any], name: str) -> None:
    """Take an optional field out; `max_tokens` goes on under its newer name."""
    value = body.pop(name)
    if name == "max_tokens":
        body["max_completion_tokens"] = value
