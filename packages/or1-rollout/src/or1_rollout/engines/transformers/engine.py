"""`TransformersEngine`: prompts in, groups of completions out, with a `transformers` model in this process."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from transformers import AutoModelForCausalLM, AutoTokenizer

from or1_rollout.engine import OnGroup, OnSample
from or1_rollout.engines.transformers.batch import Ends, Row, decode_rows
from or1_rollout.engines.transformers.decoder import Decoder
from or1_rollout.engines.transformers.fused_decoder import FusedDecoder
from or1_rollout.engines.transformers.model_decoder import ModelDecoder
from or1_rollout.engines.transformers.rotary import LENGTH_DEPENDENT
from or1_rollout.engines.transformers.texts import decode_all
from or1_rollout.engines.transformers.weights import FusedWeights
from or1_rollout.errors import EngineError
from or1_rollout.groups import seeds_of
from or1_rollout.prompts import prompt_ids
from or1_rollout.types import Completion, FinishReason, Prompt, SamplingParams
from or1_rollout.weight_sync.proof import Fingerprint

FUSED_FAMILIES = ("qwen2", "qwen3", "llama")
"""Decoded by `FusedDecoder`; every other architecture by its own forward pass."""


class TransformersEngine:
    """The embedded engine. Fits `or1_rollout.Engine`; needs the extra `transformers`.

    A batch holds as many rows as `max_batch_tokens` allows, counting prompt and `max_new_tokens` of each; more rows
    run in further batches. Samples depend on weights, prompt and seed, not on what else is in the batch (up to float
    rounding of the logits).
    """

    def __init__(self, model: Any, tokenizer: Any, *, max_batch_tokens: int = 65536) -> None:
        """Take over a loaded `PreTrainedModel` (its weights are copied for the fused families) and its tokenizer."""
        self.tokenizer, self.config = tokenizer, model.config
        self.max_batch_tokens, self.weight_version = max_batch_tokens, 0
        self.device, self.dtype = model.device, model.dtype
        self._weights: FusedWeights | ModelDecoder
        self._decoder: Decoder
        if _is_fused(model.config):
            weights = FusedWeights(model.config, self.device, self.dtype)
            weights.write((name, tensor) for name, tensor in model.state_dict().items())
            self._decoder, self._weights = FusedDecoder(model.config, weights, self.device, self.dtype), weights
        else:
            decoder = ModelDecoder(model)
            self._decoder, self._weights = decoder, decoder
        self._end_ids = _end_ids(model, tokenizer)
        self._is_whole = True

    @classmethod
    def load(
        cls,
        path: str | Path,
        tokenizer: Any = None,
        *,
        device: str = "auto",
        dtype: str = "float32",
        max_batch_tokens: int = 65536,
    ) -> TransformersEngine:
        """Load a Hugging Face folder (or hub id). `device` "auto" takes CUDA where there is one.

        Raises `EngineError` where the folder is no model.
        """
        place = torch.device(("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device)
        try:
            model: Any = AutoModelForCausalLM.from_pretrained(path, dtype=getattr(torch, dtype))
            tokenizer = AutoTokenizer.from_pretrained(path) if tokenizer is None else tokenizer
        except (OSError, ValueError) as error:
            raise EngineError(f"{path} cannot be loaded as a causal language model: {error}") from error
        return cls(model.to(place), tokenizer, max_batch_tokens=max_batch_tokens)

    @classmethod
    def from_config(
        cls, config: Any, weights: Iterable[tuple[str, Tensor]], tokenizer: Any, **options: Any
    ) -> TransformersEngine:
        """Build from a config and tensors in memory, without a folder."""
        with torch.random.fork_rng(devices=[]):  # the weights are replaced: the caller's random state must not move
            model = AutoModelForCausalLM.from_config(config)
        engine = cls(model, tokenizer, **options)
        engine.update_weights(weights, version=0)
        return engine

    def generate(
        self,
        prompts: Sequence[Prompt],
        params: SamplingParams,
        *,
        seeds: Sequence[Sequence[int]] | None = None,
        on_group: OnGroup | None = None,
        on_sample: OnSample | None = None,
    ) -> list[list[Completion]]:
        """See `Engine.generate`. Raises `EngineError` for a prompt that does not fit the model."""
        self._check_whole()
        seeds_PG = seeds_of(params, len(prompts), seeds)
        encoded = [self.encode(prompt) for prompt in prompts]
        self._check_lengths(encoded, params)
        ends = Ends(self._end_ids | frozenset(params.stop_token_ids), params.stop, self._decode)
        groups: list[list[Completion]] = [[] for _ in prompts]
        for wave in self._waves(encoded, seeds_PG, params.max_new_tokens):
            first = {prompt: index for index, prompt in enumerate(dict.fromkeys(prompt for prompt, _ in wave))}
            rows = [Row(first[prompt], seed) for prompt, seed in wave]
            decode_rows(self._decoder, [encoded[prompt] for prompt in first], rows, params, ends)
            for (prompt, _), completion in zip(wave, self._completions(rows), strict=True):
                groups[prompt].append(completion)
                if on_sample is not None:
                    on_sample(prompt, len(groups[prompt]) - 1, completion)
                if on_group is not None and len(groups[prompt]) == params.n:
                    on_group(prompt, groups[prompt])
        return groups

    def update_weights(self, named: Iterable[tuple[str, Tensor]], *, version: int) -> None:
        """See `Engine.update_weights`; writes into the storage that decoding reads.

        Raises `WeightPushError` naming tensors that are missing, unknown, or of another shape; the engine then holds
        a mixture and refuses to generate until a push has gone through.
        """
        self._is_whole = False
        self._weights.write(named)
        self._is_whole, self.weight_version = True, version

    @property
    def takes_lanes(self) -> bool:
        """Whether it computes on this process's cores and may do so beside others (`or1_rollout.lanes`)."""
        return self._decoder.takes_lanes

    def differing(self, named: Iterable[tuple[str, Tensor]]) -> list[str]:
        """See `HoldsWeights.differing`."""
        return self._weights.differing(named)

    def fingerprints(self) -> Mapping[str, Fingerprint]:
        """See `Engine.fingerprints`."""
        return self._weights.fingerprints()

    @torch.inference_mode()
    def logprobs(self, prompt_ids: Sequence[int], response_ids: Sequence[int]) -> list[float]:
        """See `Engine.logprobs`."""
        self._check_whole()
        whole = [*prompt_ids, *response_ids]
        logprobs_LV = self._decoder.logits(whole)[len(prompt_ids) - 1 : -1].log_softmax(-1)
        labels_L1 = torch.tensor(list(response_ids), device=logprobs_LV.device)[:, None]
        logprobs: list[float] = logprobs_LV.gather(1, labels_L1).squeeze(1).tolist()
        return logprobs

    def close(self) -> None:
        """Nothing is held beside the memory of the object itself."""

    def encode(self, prompt: Prompt) -> list[int]:
        """Token ids as they are, text with the tokenizer's special tokens, messages through its chat template."""
        return prompt_ids(prompt, self.tokenizer)

    def _check_whole(self) -> None:
        if not self._is_whole:
            raise EngineError("the last weight push broke off and left a mixture of weights; push all of them again")

    def _check_lengths(self, prompt_ids: Sequence[Sequence[int]], params: SamplingParams) -> None:
        limit = getattr(self.config, "max_position_embeddings", None)
        for index, ids in enumerate(prompt_ids):
            if not ids:
                raise EngineError(f"prompt {index} is empty; a model needs at least one token to go on from")
            if limit is not None and len(ids) + params.max_new_tokens > limit:
                raise EngineError(
                    f"prompt {index} has {len(ids)} tokens; with max_new_tokens = {params.max_new_tokens} that is more "
                    f"than the model's {limit} positions (max_position_embeddings)"
                )

    def _waves(
        self, prompt_ids: Sequence[Sequence[int]], seeds_PG: Sequence[Sequence[int]], max_new_tokens: int
    ) -> Iterator[list[tuple[int, int]]]:
        """Batches of (prompt, seed) under the token budget.

        Prompts of similar length together, rows of one adjacent.
        """
        wave: list[tuple[int, int]] = []
        used = 0
        for prompt in sorted(range(len(prompt_ids)), key=lambda index: len(prompt_ids[index])):
            cost = len(prompt_ids[prompt]) + max_new_tokens
            for seed in seeds_PG[prompt]:
                if wave and used + cost > self.max_batch_tokens:
                    yield wave
                    wave, used = [], 0
                wave.append((prompt, seed))
                used += cost
        if wave:
            yield wave

    def _completions(self, rows: Sequence[Row]) -> list[Completion]:
        texts = decode_all(self.tokenizer, [row.token_ids for row in rows])
        return [
            Completion(
                token_ids=np.array(row.token_ids, dtype=np.int32),
                logprobs=np.array(row.logprobs, dtype=np.float32),
                text=text if row.text is None else row.text,
                finish_reason=row.finish_reason or FinishReason.ABORT,
                seed=row.seed,
                weight_version=self.weight_version,
            )
            for row, text in zip(rows, texts, strict=True)
        ]

    def _decode(self, token_ids: Sequence[int]) -> str:
        return decode_all(self.tokenizer, [token_ids])[0]


def _is_fused(config: Any) -> bool:
    return (
        config.model_type in FUSED_FAMILIES
        and config.rope_parameters["rope_type"] not in LENGTH_DEPENDENT
        and not getattr(config, "use_sliding_window", False)
        and not getattr(config, "mlp_bias", False)
        and (config.model_type == "qwen2" or not getattr(config, "attention_bias", False))
        and config.hidden_act == "silu"
    )


def _end_ids(model: Any, tokenizer: Any) -> frozenset[int]:
    """End-of-sequence ids of the generation config (some models have several) and of the tokenizer."""
    configured = model.generation_config.eos_token_id if model.generation_config is not None else None
    several = configured if isinstance(configured, list) else [configured]
    return frozenset(int(token) for token in [*several, tokenizer.eos_token_id] if token is not None)
