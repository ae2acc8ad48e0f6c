"""Rows of messages -> token ids, and which of them the assistant says: what supervised fine-tuning trains on."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, Final

import numpy as np
from transformers import PreTrainedTokenizerBase

from or1_data.errors import DataError, SchemaError
from or1_data.io.located import Located
from or1_data.io.problems import locate
from or1_trainer.algorithm.packing import Sample
from or1_trainer.config.schema import ArithmeticSettings
from or1_trainer.errors import ConfigError
from or1_trainer.toy.lesson import calculator_rows, family_of

CALCULATOR: Final = "generated:calculator"
"""Rows that show how a calculator is asked (`toy/lesson.py`), on sums like those of `data.arithmetic`."""

_GENERATION: Final = re.compile(r"\{%-?\s*generation\s*-?%\}")

Message = Mapping[str, str]


def read_chat_rows(
    paths: Sequence[str],
    tokenizer: PreTrainedTokenizerBase,
    *,
    context_tokens: int,
    sums: ArithmeticSettings | None = None,
) -> list[Sample]:
    """The rows whose response has at most `context_tokens` tokens; `sums`: what `CALCULATOR` makes rows of.

    Raises `ConfigError` for a row that is none, with file and line, and where none is short enough.
    """
    rows, num_long = [], 0
    for path in paths:
        try:
            for located in _calculator(sums) if path == CALCULATOR and sums else locate(path):
                where = f"{located.file}, line {located.line}"
                if isinstance(located.row, SchemaError):
                    raise located.row.at(located.file, located.line)
                row = chat_row(_messages(located.row, where), tokenizer, where)
                num_long += len(row.response_ids) > context_tokens
                rows += [row] if len(row.response_ids) <= context_tokens else []
        except (DataError, OSError) as error:
            raise ConfigError(f"{path}: {error}") from error
    if not rows:
        raise ConfigError(
            f"{', '.join(paths)}: no row to train on; {num_long} have more than context_tokens = {context_tokens}"
        )
    return rows


def _calculator(sums: ArithmeticSettings) -> Iterator[Located]:
    rows = calculator_rows(sums.train, sums.seed + 1, family_of(sums))
    return (Located(CALCULATOR, number, row) for number, row in enumerate(rows, 1))


def chat_row(messages: Sequence[Message], tokenizer: PreTrainedTokenizerBase, where: str = "row") -> Sample:
    """Encode a conversation as the policy sees it: with the chat template, or the texts one after the other.

    It is cut before the first token of the assistant and behind the last; `is_sampled` are the tokens of the response
    that the assistant says, not those of users and tools between its turns.

    Raises `ConfigError` where the template changes earlier turns, so that they cannot be told apart.
    """
    if not tokenizer.chat_template:
        ids, trained = _plain(messages, tokenizer)
    elif _GENERATION.search(str(tokenizer.chat_template)):
        ids, trained = _generation_mask(messages, tokenizer)
    else:
        ids, trained = _rendered(messages, tokenizer, where)
    places = np.flatnonzero(trained)
    if not len(places) or not places[0]:
        raise ConfigError(f"{where}: no message of the assistant after another message")
    first, end = int(places[0]), int(places[-1]) + 1
    mask_T = np.array(trained[first:end], np.bool_)
    return Sample(prompt_ids=ids[:first], response_ids=ids[first:end], advantage=0.0, is_sampled=mask_T)


def _plain(messages: Sequence[Message], tokenizer: PreTrainedTokenizerBase) -> tuple[list[int], list[bool]]:
    """Without a template a turn of the assistant ends with the end token, as its responses do."""
    ids: list[int] = []
    trained: list[bool] = []
    for message in messages:
        own = message["role"] == "assistant"
        new = list(tokenizer(message["content"], add_special_tokens=False)["input_ids"])
        new += [int(tokenizer.eos_token_id)] if own else []
        ids += new
        trained += [own] * len(new)
    return ids, trained


def _generation_mask(messages: Sequence[Message], tokenizer: PreTrainedTokenizerBase) -> tuple[list[int], list[bool]]:
    """The template itself says what is generated."""
    encoded: Any = tokenizer.apply_chat_template(
        [dict(message) for message in messages], return_dict=True, return_assistant_tokens_mask=True
    )
    return list(encoded["input_ids"]), [bool(value) for value in encoded["assistant_masks"]]


def _rendered(
    messages: Sequence[Message], tokenizer: PreTrainedTokenizerBase, where: str
) -> tuple[list[int], list[bool]]:
    """From the prompt before a turn of the assistant to the text with the turn, line ends behind it left out."""
    turns = [dict(message) for message in messages]

    def text(count: int, *, opened: bool = False) -> str:
        return str(tokenizer.apply_chat_template(turns[:count], tokenize=False, add_generation_prompt=opened))

    whole, spans = text(len(turns)), list[tuple[int, int]]()
    for at, turn in enumerate(turns):
        if turn["role"] == "assistant":
            before, behind = text(at, opened=True), text(at + 1)
            if not (whole.startswith(behind.rstrip()) and behind.startswith(before)):
                raise ConfigError(
                    f"{where}: the chat template changes earlier turns when a later one follows, so the tokens of "
                    f"message {at} cannot be found; give each turn of the assistant a row, or a template with a "
                    "generation mask"
                )
            spans.append((len(before), len(behind.rstrip())))
    encoded: Any = tokenizer(whole, add_special_tokens=False, return_offsets_mapping=True)
    starts = [start for start, _ in encoded["offset_mapping"]]
    trained = [any(first <= start < end for first, end in spans) for start in starts]
    assert all(before <= after for before, after in pairwise(starts))
    return list(encoded["input_ids"]), trained


def _messages(row: Mapping[str, Any], where: str) -> Sequence[Message]:
    messages: Any = row.get("messages")
    if not isinstance(messages, list) or not all(
        isinstance(one, Mapping) and isinstance(one.get("role"), str) and isinstance(one.get("content"), str)
        for one in messages
    ):
        raise ConfigError(f"{where}: messages must be a list of objects with role and content, both texts")
    return messages
