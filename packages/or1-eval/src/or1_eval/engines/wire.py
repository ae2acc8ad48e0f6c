"""Requests and responses of the OpenAI-compatible interface as this package uses it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import httpx

from or1_eval.errors import EngineError
from or1_eval.types import Completion, Prompt, Sampling

OPTIONAL: Final = ("return_token_ids", "seed", "max_tokens")
"""Fields that some servers refuse: one that names one of them in a refusal is asked without it."""

_REASONS: Final = {"stop": "stop", "length": "length", "eos": "stop", "stop_sequence": "stop", "max_tokens": "length"}


def request_body(model: str, prompt: Prompt, params: Sampling, seed: int) -> dict[str, Any]:
    """The body of one request for one sample."""
    body: dict[str, Any] = {
        "model": model,
        "temperature": params.temperature,
        "top_p": params.top_p,
        "max_tokens": params.max_new_tokens,
        "seed": seed,
        "n": 1,
        "return_token_ids": True,  # vLLM's: the sampled ids come back beside the text
    }
    if params.top_k > 0:
        body["top_k"] = params.top_k
    if params.stop:
        body["stop"] = list(params.stop)
    if params.stop_token_ids:
        body["stop_token_ids"] = list(params.stop_token_ids)
    if isinstance(prompt, str):
        return body | {"prompt": prompt}
    if prompt and isinstance(prompt[0], Mapping):
        return body | {"messages": [dict(message) for message in prompt if isinstance(message, Mapping)]}
    return body | {"prompt": [int(token) for token in prompt if not isinstance(token, Mapping)]}


def refused_field(refusal: str, body: Mapping[str, Any]) -> str | None:
    """The optional field of `body` that a refusal names; None where it names none that can be left out.

    `top_k`, `stop` and `stop_token_ids` change what is sampled, so a server that does not take them is an error.
    """
    return next((name for name in OPTIONAL if name in body and name in refusal), None)


def leave_out(body: dict[str, Any], name: str) -> None:
    """Take an optional field out; `max_tokens` goes on under its newer name."""
    value = body.pop(name)
    if name == "max_tokens":
        body["max_completion_tokens"] = value


def completion_of(answer: httpx.Response, where: str) -> Completion:
    """The one choice of a response; a separate reasoning part goes back in front, between its marks.

    Raises:
        EngineError: not a response of this interface.
    """
    try:
        data = answer.json()
        choice = data["choices"][0]
        message = choice.get("message")
        text = choice["text"] if message is None else _with_reasoning(message, choice)
        reason = str(choice.get("finish_reason"))
        counted = (data.get("usage") or {}).get("completion_tokens")
        token_ids = tuple(int(token) for token in choice.get("token_ids") or ())
    except (ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
        raise EngineError(f"{where} answered with something else ({error!r}): {answer.text[:300]}") from error
    return Completion(
        text=text,
        finish_reason=_REASONS.get(reason, "abort" if reason in ("abort", "error", "None") else reason),
        token_ids=token_ids,
        num_tokens=-1 if counted is None else int(counted),
    )


def _with_reasoning(message: Mapping[str, Any], choice: Mapping[str, Any]) -> str:
    """Servers with a reasoning parser cut the reasoning out of the text; verdicts and warnings need to see it."""
    content = message.get("content") or ""
    reasoning = message.get("reasoning") or message.get("reasoning_content") or ""
    if not reasoning:
        return str(content)
    closed = bool(content) or choice.get("finish_reason") != "length"
    return f"<think>\n{reasoning}\n</think>\n\n{content}" if closed else f"<think>\n{reasoning}"
