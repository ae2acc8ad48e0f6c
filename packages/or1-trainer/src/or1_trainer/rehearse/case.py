"""What a rehearsal runs on: the model's config at a depth, weights without data, micro-batches of full length."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import torch
from transformers import AutoConfig, AutoModelForCausalLM

from or1_trainer.algorithm.entropy import EntropyController
from or1_trainer.algorithm.packing import Sample
from or1_trainer.algorithm.policy_loss import Extent
from or1_trainer.algorithm.schedule import steps_of_batch
from or1_trainer.config.schema import RunConfig, StageSettings
from or1_trainer.plan.read_shape import model_config
from or1_trainer.train.distribute import Minibatch

MICROBATCHES = 2
"""Of each traced optimizer step: the gradient buffer is filled by the first, and added to by the second."""


def hf_config_of(config: RunConfig, layers: int | None = None) -> Any:
    """The `transformers` config of the recipe's model, with another number of layers if given."""
    keys = {key: value for key, value in model_config(config).items() if key != "layer_types"}
    if layers is not None:
        keys["num_hidden_layers"] = layers
    return AutoConfig.for_model(**keys)


def weight_shapes(hf_config: Any) -> dict[str, tuple[int, ...]]:
    """Shapes of the model's tensors by their Hugging Face names, as `transformers` itself makes them."""
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(hf_config, dtype=torch.bfloat16)
    return {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}


def full_microbatch(
    config: RunConfig, stage: StageSettings, prompt_tokens: int, number: int = 0, *, count: int = 1
) -> list[Sample]:
    """Responses of full length until the budget of a micro-batch is spent, each to a prompt of its own.

    It is `number` of `count` micro-batches, whose prompts all differ.
    """
    room, samples = max(config.batch.microbatch_tokens, prompt_tokens + stage.context_tokens), list[Sample]()
    while room > prompt_tokens + 1:
        length = min(stage.context_tokens, room - prompt_tokens)
        samples.append(
            Sample(
                prompt_ids=np.full(prompt_tokens, count * len(samples) + number, np.int32),
                response_ids=np.zeros(length, np.int32),
                advantage=1.0,
                engine_logprobs=np.full(length, -1.0, np.float32),
            )
        )
        room -= prompt_tokens + length
    return samples


def minibatches_of(config: RunConfig, stage: StageSettings, prompt_tokens: int, data: int) -> list[Minibatch]:
    """One rank's data of a rollout batch: as many optimizer steps as the stage has, each of two full micro-batches."""
    samples = _full_microbatches(config, stage, prompt_tokens, MICROBATCHES)
    extent = Extent(
        num_tokens=sum(len(sample.response_ids) for sample in samples) * data,
        num_sequences=len(samples) * data,
        context_tokens=stage.context_tokens,
    )
    return [Minibatch(samples=samples, extent=extent)] * steps_of_batch(stage)


def chat_rows_of(config: RunConfig, stage: StageSettings, prompt_tokens: int, data: int) -> list[Sample]:
    """The rows of one optimizer step of fine-tuning, of which each data rank gets two full micro-batches."""
    rows = _full_microbatches(config, stage, prompt_tokens, MICROBATCHES * data)
    return [replace(sample, engine_logprobs=None) for sample in rows]


def _full_microbatches(config: RunConfig, stage: StageSettings, prompt_tokens: int, count: int) -> list[Sample]:
    numbers = range(count)
    return [s for number in numbers for s in full_microbatch(config, stage, prompt_tokens, number, count=count)]


def open_controller(config: RunConfig) -> EntropyController:
    """After the first steps: its coefficient is above 0, so that it needs the entropy before the update."""
    return EntropyController(settings=config.entropy, coefficient=config.entropy.delta)
