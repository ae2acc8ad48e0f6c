"""Problems -> prompt token ids, by the policy's tokenizer and chat template; engine and trainer use the same."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from jinja2 import TemplateError
from transformers import PreTrainedTokenizerBase

from or1_data.schema import Problem
from or1_rollout.environments import Environment, SingleTurn
from or1_rollout.prompts import text_of
from or1_rollout.types import Prompt
from or1_trainer.errors import ConfigError


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
