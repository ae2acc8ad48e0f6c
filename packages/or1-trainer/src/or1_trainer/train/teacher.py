"""The teacher of on-policy distillation: a frozen model in an engine, which scores what the policy sampled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from transformers import PreTrainedTokenizerBase

from or1_rollout.engine import Engine
from or1_trainer.config.schema import RunConfig
from or1_trainer.errors import ConfigError
from or1_trainer.model_path import local_model
from or1_trainer.policy.parallel import Runtime
from or1_trainer.train.judging import Response


def build_teacher(config: RunConfig, tokenizer: PreTrainedTokenizerBase, runtime: Runtime) -> Engine | None:
    """The engine with the teacher; None where the recipe has none. Raises `ConfigError` for another vocabulary."""
    distill = config.distill
    if not distill.beta:
        return None
    if distill.servers:
        from or1_rollout.engines.vllm.servers import VllmServers

        return VllmServers(distill.servers, tokenizer=tokenizer, rank=runtime.rank)
    from transformers import AutoTokenizer

    from or1_rollout.engines.transformers import TransformersEngine

    path = local_model(distill.teacher)
    own = AutoTokenizer.from_pretrained(path)
    if own.get_vocab() != tokenizer.get_vocab():
        raise ConfigError(
            f"the teacher in {path} has another vocabulary than the policy: reverse KL compares probabilities of the "
            "same tokens"
        )
    return TransformersEngine.load(path, tokenizer=own, device=str(runtime.device), dtype=distill.dtype)


def scored_by_teacher(
    teacher: Engine, prompts: Sequence[Sequence[int]], own: Mapping[int, Sequence[Response]]
) -> dict[int, list[Response]]:
    """The responses with the teacher's log-probs of their tokens."""
    return {index: [_scored(teacher, prompts[index], response) for response in group] for index, group in own.items()}


def _scored(teacher: Engine, prompt: Sequence[int], response: Response) -> Response:
    found = teacher.logprobs(prompt, response.completion.token_ids.tolist())
    return replace(response, teacher_logprobs=np.array(found, np.float32))
