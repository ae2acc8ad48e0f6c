"""Token ids -> their texts one by one, which together are the response."""

from __future__ import annotations

from collections.abc import Sequence

from transformers import PreTrainedTokenizerBase

_BROKEN = "\ufffd"
"""What a tokenizer decodes the bytes of an incomplete character to."""

_LONGEST_CHARACTER = 4
"""Bytes of a UTF-8 character, so at most as many tokens."""


def token_texts(token_ids: Sequence[int], tokenizer: PreTrainedTokenizerBase) -> list[str]:
    """Return one text per token; a character made of several tokens stands with the last, the others are empty."""
    singles = {token: _text([token], tokenizer) for token in set(token_ids)}
    texts: list[str] = []
    waiting: list[int] = []
    for token in token_ids:
        waiting.append(token)
        text = singles[token] if len(waiting) == 1 else _text(waiting, tokenizer)
        is_broken = text.endswith(_BROKEN) and len(waiting) < _LONGEST_CHARACTER
        texts.append("" if is_broken else text)
        if not is_broken:
            waiting = []
    if waiting:
        texts[-1] = _text(waiting, tokenizer)
    return texts


def _text(token_ids: list[int], tokenizer: PreTrainedTokenizerBase) -> str:
    """Decode with special tokens; SentencePiece drops the space that a first token begins with, so it is put back."""
    text = str(tokenizer.decode(token_ids, skip_special_tokens=False, clean_up_tokenization_spaces=False))
    first = str(tokenizer.convert_ids_to_tokens(token_ids[0]))
    return f" {text}" if first.startswith("\u2581") and not text.startswith(" ") else text
