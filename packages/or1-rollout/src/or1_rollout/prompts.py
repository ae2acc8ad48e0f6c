"""A prompt as token ids."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from or1_rollout.types import Prompt


def prompt_ids(prompt: Prompt, tokenizer: Any) -> list[int]:
    """Token ids as they are, text with the tokenizer's special tokens, messages through its chat template.

    Messages to a tokenizer without one are their texts behind each other, as or1-trainer trains on them.
    """
    if isinstance(prompt, str):
        return list(tokenizer.encode(prompt))
    if prompt and not isinstance(prompt[0], int):
        return list(tokenizer.encode(text_of(list(prompt), tokenizer), add_special_tokens=False))
    return [int(token) for token in prompt]  # type: ignore[arg-type]


def text_of(messages: Sequence[Any], tokenizer: Any) -> str:
    """Messages as the text that is encoded without further special tokens."""
    if not tokenizer.chat_template:
        return "".join(message["content"] for message in messages)
    return str(tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True))
