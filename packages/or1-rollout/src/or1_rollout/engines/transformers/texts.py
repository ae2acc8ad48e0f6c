"""Token ids to text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from transformers import PreTrainedTokenizerFast


def decode_all(tokenizer: Any, responses: Sequence[Sequence[int]]) -> list[str]:
    """Texts without special tokens, as `tokenizer.decode` gives them."""
    is_plain = (
        isinstance(tokenizer, PreTrainedTokenizerFast)
        and type(tokenizer)._decode is PreTrainedTokenizerFast._decode
        and not tokenizer.clean_up_tokenization_spaces
    )
    if is_plain:  # transformers' own method then does nothing but call this one, and takes as long again
        decode = tokenizer.backend_tokenizer.decode
        return [str(decode(ids, skip_special_tokens=True)) for ids in responses]
    return [str(tokenizer.decode(ids, skip_special_tokens=True)) for ids in responses]
