"""The policy's tokenizer, and what it and the prompts must fit, checked before anything is trained."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from transformers import AutoTokenizer, PreTrainedTokenizerBase

from or1_data.schema import Problem
from or1_trainer.errors import ConfigError
from or1_trainer.train.prompts import PromptEncoder

VOCABULARIES = ("tokenizer.json", "tokenizer.model", "vocab.json", "vocab.txt")
"""Files of which a tokenizer has at least one."""


def load_tokenizer(model_path: Path) -> PreTrainedTokenizerBase:
    """Load it from the model's folder. Raises `ConfigError` where its files are absent or broken."""
    if not any((model_path / name).exists() for name in VOCABULARIES):  # transformers would make an empty one
        raise ConfigError(f"{model_path} has no tokenizer: download its {VOCABULARIES[0]} into that folder")
    try:
        tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(model_path)
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise ConfigError(
            f"the tokenizer of {model_path} cannot be loaded ({str(error).splitlines()[0]}); "
            "download tokenizer.json and tokenizer_config.json again"
        ) from error
    return tokenizer


def check_tokenizer(tokenizer: PreTrainedTokenizerBase, hf_config: Any) -> None:
    """Raise `ConfigError` where it has more tokens than the model, or no token that ends a response."""
    if len(tokenizer) > hf_config.vocab_size:
        raise ConfigError(
            f"the tokenizer has {len(tokenizer)} tokens, the model has rows for {hf_config.vocab_size} (vocab_size of "
            "config.json): tokenizer and weights belong to different models"
        )
    if tokenizer.eos_token_id is None and getattr(hf_config, "eos_token_id", None) is None:
        raise ConfigError(
            "neither the tokenizer nor config.json names an end token, so every response would be truncated: "
            'add "eos_token" to tokenizer_config.json or "eos_token_id" to config.json'
        )


def check_lengths(prompts: PromptEncoder, problems: Sequence[Problem], context_tokens: int, positions: int) -> None:
    """Raise `ConfigError` for prompts that, with the longest response, have more tokens than the model has positions.

    A prompt has at most as many tokens as bytes; only those with more bytes than there is room are encoded.
    """
    room = positions - context_tokens
    if room < 1:
        raise ConfigError(
            f"a stage allows responses of {context_tokens} tokens, the model has {positions} positions "
            "(max_position_embeddings of config.json): lower stages.N.context_tokens"
        )
    doubtful = [problem for problem in problems if len(prompts.text(problem).encode()) > room]
    long = [problem.id for problem in doubtful if len(prompts.ids(problem)) > room]
    if long:
        raise ConfigError(
            f"{len(long)} prompts ({', '.join(long[:3])}{', ...' if len(long) > 3 else ''}) have more than {room} "
            f"tokens, the room that {positions} positions leave beside responses of {context_tokens}: remove them from "
            "the problem files, or lower stages.N.context_tokens"
        )
