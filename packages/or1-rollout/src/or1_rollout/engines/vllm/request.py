"""Our words into vLLM's and back: one request per sample, so that every sample has its own seed.

Samples of one prompt share its KV cache through vLLM's prefix cache. vLLM's `n` would seed a group's samples with
consecutive numbers; ours come from (run, step, problem, sample).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from or1_rollout.errors import EngineError
from or1_rollout.types import Completion, FinishReason, SamplingParams

if TYPE_CHECKING:
    from vllm import SamplingParams as VllmParams
    from vllm.outputs import CompletionOutput

FINISH_REASONS = {"stop": FinishReason.STOP, "length": FinishReason.LENGTH, "abort": FinishReason.ABORT}


def gives_logprobs(params: SamplingParams) -> bool:
    """Whether vLLM can give log-probs of the distribution before top-p and top-k, at the sampling temperature.

    Its `processed_logprobs` are those after temperature and truncation, which is the same thing without truncation.
    At temperature 0 it divides by nothing and reports the plain model's, which are not the ones drawn from.
    """
    return params.is_plain and params.temperature > 0


def vllm_params(params: SamplingParams, seed: int) -> VllmParams:
    """Parameters of one sample."""
    from vllm import SamplingParams as VllmParams
    from vllm.sampling_params import RequestOutputKind

    return VllmParams(
        n=1,
        max_tokens=params.max_new_tokens,
        temperature=params.temperature,
        top_p=params.top_p,
        top_k=params.top_k if params.top_k > 0 else 0,
        min_p=params.min_p,
        repetition_penalty=params.repetition_penalty,
        presence_penalty=params.presence_penalty,
        frequency_penalty=params.frequency_penalty,
        stop=list(params.stop) or None,
        stop_token_ids=list(params.stop_token_ids) or None,
        seed=seed % 2**63,
        logprobs=0 if gives_logprobs(params) else None,
        output_kind=RequestOutputKind.FINAL_ONLY,
    )


def completion(output: CompletionOutput, seed: int, weight_version: int) -> Completion:
    """One finished sample. Raises `EngineError` where a log-prob is missing or no number."""
    token_ids = np.array(output.token_ids, dtype=np.int32)
    return Completion(
        token_ids=token_ids,
        logprobs=None if output.logprobs is None else _logprobs(output.token_ids, output.logprobs),
        text=output.text,
        finish_reason=FINISH_REASONS.get(str(output.finish_reason), FinishReason.ABORT),
        seed=seed,
        weight_version=weight_version,
    )


def _logprobs(token_ids: Sequence[int], per_position: Sequence[Any]) -> NDArray[np.float32]:
    known = zip(token_ids, per_position, strict=True)
    values = np.array([at_position[token].logprob for token, at_position in known], dtype=np.float32)
    if not np.isfinite(values).all():
        raise EngineError("vLLM returned a log-prob that is not finite; its weights or its kernel are damaged")
    return values
