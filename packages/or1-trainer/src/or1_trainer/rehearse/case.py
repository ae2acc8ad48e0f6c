"""What a rehearsal runs on: the model's config at a depth, weights without data, micro-batches of full length."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from transformers import AutoConfig, AutoModelForCausalLM

from or1_trainer.algorithm.packing import Sample
from or1_trainer.algorithm.policy_loss import Extent
from or1_trainer.config.schema import RunConfig, StageSettings
from or1_trainer.plan.read_shape import model_config
from or1_trainer.train.chat_rows import ChatRow
from or1_trainer.train.distribute import Minibatch

MICROBATCHES = 2
"""Of each traced optimizer step: the gradient buffer is filled by the first, and added to by the second."""


def hf_config_of(config: RunConfig, layers: int | None = None) -> Any:
    """The `transformers` config of the recipe's model, with another number of layers if given."""
    keys = {key: value for key, value in model_config(config).items() if key not in ("model_type", "layer_types")}
    if layers is not None:
        keys["num_hidden_layers"] = layers
    return AutoConfig.for_model(model_config(config)["model_type"], **keys)


def weight_shapes(hf_config: Any) -> dict[str, tuple[int, ...]]:
    """Shapes of the model's tensors by their Hugging Face names, as `transformers` itself makes them."""
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(hf_config, dtype=torch.bfloat16)
    return {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}


def full_microbatch(
    config: RunConfig, stage: StageSettings, prompt_tokens: int, number: int = 0, *, count: int = MICROBATCHES
) -> list[Sample]:
    """Responses of full length until the budget of a micro-batch is spent, each to a prompt of its own.

    It is `number` of `count` micro-batches, whose prompts all differ.
    """
    room, samples = max(config.batch.microbatch_tokens, prompt_tokens + stage.context_tokens), list[Sample]()
    while room > prompt_tokens + 1:
        length = min(stage.context_tokens, room - prompt_tokens)
        samples.append(_sample(count * len(samples) + number, prompt_tokens, length))
        room -= prompt_tokens + length
    return samples


def _sample(number: int, prompt_tokens: int, length: int) -> Sample:
    return Sample(
        prompt_ids=np.full(prompt_tokens, number, np.int32),
        response_ids=np.zeros(length, np.int32),
        advantage=1.0,
        engine_logprobs=np.full(length, -1.0, np.float32),
    )


def minibatches_of(config: RunConfig, stage: StageSettings, prompt_tokens: int, data: int) -> list[Minibatch]:
    """One rank's data of a rollout batch: as many optimizer steps as the stage has, each of two full micro-batches."""
    steps = stage.prompts // stage.mini_prompts if stage.mini_prompts else 1
    micros = [full_microbatch(config, stage, prompt_tokens, number) for number in range(MICROBATCHES)]
    samples = [sample for micro in micros for sample in micro]
    extent = Extent(
        num_tokens=sum(len(sample.response_ids) for sample in samples) * data,
        num_sequences=len(samples) * data,
        context_tokens=stage.context_tokens,
    )
    return [Minibatch(samples=samples, extent=extent)] * steps


def chat_rows_of(config: RunConfig, stage: StageSettings, prompt_tokens: int, data: int) -> list[ChatRow]:
    """The rows of one optimizer step of fine-tuning, of which each data rank gets two full micro-batches."""
    count = MICROBATCHES * data
    micros = [full_microbatch(config, stage, prompt_tokens, number, count=count) for number in range(count)]
    return [
        ChatRow(
            prompt_ids=sample.prompt_ids,  # type: ignore[arg-type]
            response_ids=sample.response_ids,  # type: ignore[arg-type]
            trained_T=np.ones(len(sample.response_ids), np.bool_),
        )
        for micro in micros
        for sample in micro
    ]


def attention_pairs(samples: list[Sample]) -> float:
    """Query-key pairs under the causal mask; the last token of a response is no query."""
    lengths = [sample.num_tokens - 1 for sample in samples]
    return sum(length * (length + 1) / 2 for length in lengths)
