"""Encoding of prompts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from or1_rollout.types import Prompt


def prompt_ids(prompt: Prompt, tokenizer: Any, tools: Sequence[Mapping[str, Any]] = ()) -> list[int]:
    """Token ids of a prompt: text with the tokenizer's special tokens, messages through its chat template.

    `tools` are JSON schemas of functions, which the template describes to the model.

    Without a chat template the texts of the messages are concatenated, as in or1-trainer's training data.
    """
    if isinstance(prompt, str):
        return list(tokenizer.encode(prompt))
    if len(prompt) and isinstance(prompt[0], Mapping):
        return list(tokenizer.encode(text_of(list(prompt), tokenizer, tools), add_special_tokens=False))
    return [int(token) for token in prompt]  # type: ignore[arg-type]


def text_of(messages: Sequence[Any], tokenizer: Any, tools: Sequence[Mapping[str, Any]] = ()) -> str:
    """Text of chat messages, to be encoded without further special tokens."""
    if not tokenizer.chat_template:
        return "".join(message["content"] for message in messages)
    told = {"tools": [dict(tool) for tool in tools]} if tools else {}
    return str(tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True, **told))


def is_told_of_tools(tokenizer: Any, tools: Sequence[Mapping[str, Any]]) -> bool:
    """Whether the chat template describes tools to the model; templates of models without tool calls leave them out."""
    question = [{"role": "user", "content": "?"}]
    return text_of(question, tokenizer, tools) != text_of(question, tokenizer)
