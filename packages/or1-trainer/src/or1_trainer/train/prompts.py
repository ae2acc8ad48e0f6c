"""The policy's tokenizer, and the prompts it makes of problems; engine and trainer use the same."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from jinja2 import TemplateError
from transformers import AutoTokenizer, PreTrainedTokenizerBase

from or1_data.schema import Problem
from or1_rollout.environments import Environment, SingleTurn
from or1_rollout.prompts import text_of
from or1_rollout.types import Prompt
from or1_trainer.errors import ConfigError

VOCABULARIES = ("tokenizer.json", "tokenizer.model", "vocab.json", "vocab.txt")
"""Files of which a tokenizer has at least one."""


class EncodedPrompt(list[int]):
    """Token ids of a problem's prompt; two problems may have the same, and their environment is told which it is."""

    def __init__(self, ids: Iterable[int], problem: Problem) -> None:
        super().__init__(ids)
        self.problem = problem


class PromptEncoder:
    """Encodes each problem once.

    A tokenizer with a chat template gets the problem's messages through it, with the generation prompt; one without
    (the tiny recipe's) gets the text of the messages as it is.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase, environment: Environment | None = None) -> None:
        """`environment` makes the first messages, and has tools that the template tells of."""
        self.tokenizer, self._environment = tokenizer, environment or SingleTurn()
        self._ids: dict[str, EncodedPrompt] = {}

    def text(self, problem: Problem) -> str:
        """The prompt as text, with the template applied.

        Raises `ConfigError` for a template that refuses it: some know no system messages.
        """
        try:
            messages = self._environment.messages([dict(message) for message in problem.prompt])
            return text_of(messages, self.tokenizer, self._environment.tools)
        except TemplateError as error:
            roles = ", ".join(str(message["role"]) for message in problem.prompt)
            raise ConfigError(
                f"the chat template of the model refuses the prompt of {problem.id} (roles: {roles}): {error}; "
                "move the text of the system message into the user's, or change chat_template in tokenizer_config.json"
            ) from error

    def ids(self, problem: Problem) -> Sequence[int]:
        """The prompt as token ids; the template brings its own special tokens, so none are added."""
        return self.all_ids([problem])[0]

    def all_ids(self, problems: Sequence[Problem]) -> list[Sequence[int]]:
        """The prompts of several problems as token ids, from one call of the tokenizer."""
        new = {problem.id: problem for problem in problems if problem.id not in self._ids}
        if new:
            texts = [self.text(problem) for problem in new.values()]
            encoded = self.tokenizer(texts, add_special_tokens=False)["input_ids"]
            self._ids |= {one.id: EncodedPrompt(ids, one) for one, ids in zip(new.values(), encoded, strict=True)}
        return [self._ids[problem.id] for problem in problems]


def row_of(prompt: Prompt) -> dict[str, Any]:
    """The problem of a prompt that a `PromptEncoder` made, as a row. Raises `TypeError` for another prompt."""
    if not isinstance(prompt, EncodedPrompt):
        raise TypeError(f"a prompt of type {type(prompt).__name__} does not say which problem it belongs to")
    problem = prompt.problem
    return {
        "id": problem.id,
        "prompt": [dict(message) for message in problem.prompt],
        "ground_truth": problem.ground_truth,
        "extra_info": dict(problem.extra_info),
    }


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
