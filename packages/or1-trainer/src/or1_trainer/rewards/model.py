"""`model`: the score of a reward model in Hugging Face format, with a head for sequence classification."""

from __future__ import annotations

from typing import Any

import torch

from or1_trainer.config.rewards import ModelReward
from or1_trainer.errors import ConfigError
from or1_trainer.model_path import local_model
from or1_trainer.rewards.group import Group, Reward, Values


class RewardModel(Reward):
    """Scores the responses of a group in batches."""

    def __init__(self, settings: ModelReward, device: torch.device) -> None:
        """Load the model. Raises `ConfigError` where there is none, or it has no such output."""
        from transformers import AutoModelForSequenceClassification, AutoTokenizer

        self._settings = settings
        self._device = device if settings.device == "auto" else torch.device(settings.device)
        path = local_model(settings.path)
        try:
            self._tokenizer = AutoTokenizer.from_pretrained(path)
            model = AutoModelForSequenceClassification.from_pretrained(path, dtype=getattr(torch, settings.dtype))
        except (OSError, ValueError) as error:
            raise ConfigError(
                f"reward {settings.label!r}: {path} cannot be loaded as a reward model: {error}"
            ) from error
        if settings.output >= model.config.num_labels:
            raise ConfigError(
                f"reward {settings.label!r}: output = {settings.output}, but the model has {model.config.num_labels}"
            )
        if self._tokenizer.pad_token_id is None:
            self._tokenizer.pad_token = self._tokenizer.eos_token
        model.config.pad_token_id = self._tokenizer.pad_token_id
        self._tokenizer.padding_side = self._tokenizer.truncation_side = "right"
        self._model = model.to(self._device).eval()

    def values(self, group: Group) -> Values:
        """See `Reward`."""
        texts = [self._text(group, completion.text) for completion in group.completions]
        size = self._settings.batch
        return [score for at in range(0, len(texts), size) for score in self._scores(texts[at : at + size])]

    def _text(self, group: Group, response: str) -> str:
        """The whole conversation in the reward model's own template; prompt and response where it has none."""
        if not self._tokenizer.chat_template:
            return group.prompt + response
        messages = [*map(dict, group.problem.prompt), {"role": "assistant", "content": response}]
        return str(self._tokenizer.apply_chat_template(messages, tokenize=False))

    @torch.no_grad()
    def _scores(self, texts: list[str]) -> list[float]:
        encoded: Any = self._tokenizer(
            texts,
            return_tensors="pt",
            padding=True,
            truncation=True,
            max_length=self._settings.max_tokens,
            add_special_tokens=not self._tokenizer.chat_template,
        )
        inputs = {name: encoded[name].to(self._device) for name in ("input_ids", "attention_mask")}
        logits = self._model(**inputs).logits[:, self._settings.output].float()
        scores: list[float] = (logits.sigmoid() if self._settings.squash == "sigmoid" else logits).tolist()
        return scores
