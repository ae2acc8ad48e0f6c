"""Problems -> prompt token ids, by the policy's tokenizer and chat template; engine and trainer use the same."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from jinja2 import TemplateError
from transformers import PreTrainedTokenizerBase

from or1_data.schema import Problem
from or1_rollout.environments import Environment, SingleTurn
from or1_rollout.prompts import text_of
from or1_rollout.types import Prompt
from or1_trainer.errors import ConfigError


class PromptEncoder:
    """Encodes each problem once.

    A tokenizer with a chat template gets the problem's messages through it, with the generation prompt; one without
    (the tiny recipe's) gets the text of the messages as it is.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase, environment: Environment | None = None) -> None:
        """`environment` makes the first messages, and has tools that the template tells of."""
        self.tokenizer, self._environment = tokenizer, environment or SingleTurn()
        self._ids: dict[str, list[int]] = {}
        self._problems: dict[bytes, Problem] = {}

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
        new = {problem.id: self.text(problem) for problem in problems if problem.id not in self._ids}
        if new:
            encoded = self.tokenizer(list(new.values()), add_special_tokens=False)["input_ids"]
            self._ids |= {name: list(ids) for name, ids in zip(new, encoded, strict=True)}
            self._problems |= {_key(self._ids[one.id]): one for one in problems if one.id in new}
        return [self._ids[problem.id] for problem in problems]

    def row_of(self, prompt: Prompt) -> dict[str, Any]:
        """The problem of an encoded prompt as a row; of several with the same prompt, the last one encoded."""
        problem = self._problems[_key(prompt)]
        return {
            "id": problem.id,
            "prompt": [dict(message) for message in problem.prompt],
            "ground_truth": problem.ground_truth,
            "extra_info": dict(problem.extra_info),
        }


def _key(prompt: Any) -> bytes:
    return np.asarray(prompt, np.int32).tobytes()
