"""A prompt as token ids."""

from __future__ import annotations

from typing import Any

from or1_rollout.types import Prompt


def prompt_ids(prompt: Prompt, tokenizer: Any) -> list[int]:
    """Token ids as they are, text with the tokenizer's special tokens, messages through its chat template."""
    if isinstance(prompt, str):
        return list(tokenizer.encode(prompt))
    if prompt and not isinstance(prompt[0], int):
        text = tokenizer.apply_chat_template(list(prompt), tokenize=False, add_generation_prompt=True)
        return list(tokenizer.encode(text, add_special_tokens=False))
    return [int(token) for token in prompt]  # type: ignore[arg-type]
