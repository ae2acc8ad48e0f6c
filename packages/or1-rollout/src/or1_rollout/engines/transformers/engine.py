"""`TransformersEngine`: a `transformers` model that samples in this process."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Unpack

import numpy as np
import torch
from torch import Tensor
from transformers import AutoModelForCausalLM, AutoTokenizer

from or1_rollout.async_engine import BlockingEngine
from or1_rollout.engine import GenerateOptions, OnTokens
from or1_rollout.engines.transformers.cached_batch import CachedDecoder
from or1_rollout.engines.transformers.decoder import Decoder
from or1_rollout.engines.transformers.forward_decoder import ForwardDecoder
from or1_rollout.engines.transformers.kept_turns import KeptTurns
from or1_rollout.engines.transformers.rope import LENGTH_DEPENDENT
from or1_rollout.engines.transformers.rows import Row, StopConditions, text_of
from or1_rollout.engines.transformers.scheduler import Request, Scheduler
from or1_rollout.errors import EngineError
from or1_rollout.groups import GroupCollector, limited, seeds_of
from or1_rollout.processor import has_fast_bfloat16
from or1_rollout.prompts import prompt_ids
from or1_rollout.turns import Feed, TurnRequest
from or1_rollout.types import Completion, FinishReason, Prompt, SamplingParams
from or1_rollout.weight_sync import FingerprintingStream, Probe, WeightStream, fingerprint
from or1_rollout.weight_sync.check import check_fingerprints, check_probe
from or1_rollout.weight_sync.stream import write_tensors

CACHED_FAMILIES = ("qwen2", "qwen3", "llama")
"""Decoded by `CachedDecoder`; every other architecture by its own forward pass."""


class TransformersEngine(BlockingEngine):
    """The embedded engine. Implements `or1_rollout.Engine`; needs the extra `transformers`.

    A batch holds as many rows as `max_batch_tokens` allows, counting each prompt once and the most tokens that
    each row may get; further rows enter as others end. A sample depends on weights, prompt and seed and not on what
    else is in the batch, up to float rounding of the logits.
    """

    def __init__(
        self,
        model: Any,
        tokenizer: Any,
        *,
        max_batch_tokens: int = 65536,
        kept_tokens: int = 65536,
    ) -> None:
        """Take a loaded `PreTrainedModel` (its weights are copied for the families decoded here) and its tokenizer.

        Of responses that wait for their next turn the keys and values of up to `kept_tokens` tokens are kept, so that
        the turn computes only what is new; 0: none. Models that run through their own forward pass keep none.
        """
        self.tokenizer, self.config = tokenizer, model.config
        self.max_batch_tokens, self.kept_tokens, self.weight_version = max_batch_tokens, kept_tokens, 0
        self.prefilled_tokens = 0
        """Tokens of prompts and earlier turns that `generate_turns` computed so far."""
        self.device, self.dtype = model.device, model.dtype
        self._end_ids = _end_ids(model, tokenizer)
        self._decoder: Decoder
        if _is_cached(model.config):
            self._decoder = CachedDecoder(model.config, self.device, _compute_dtype(self.device, self.dtype))
            write_tensors(self._decoder.named, model.state_dict().items())
        else:
            self._decoder = ForwardDecoder(model)
        self._is_synced = True

    @classmethod
    def load(
        cls,
        path: str | Path,
        tokenizer: Any = None,
        *,
        device: str = "auto",
        dtype: str = "float32",
        max_batch_tokens: int = 65536,
        kept_tokens: int = 65536,
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
        return cls(model.to(place), tokenizer, max_batch_tokens=max_batch_tokens, kept_tokens=kept_tokens)

    @classmethod
    def from_config(
        cls, config: Any, weights: Iterable[tuple[str, Tensor]], tokenizer: Any, **options: Any
    ) -> TransformersEngine:
        """Build from a config and tensors in memory, without a folder."""
        with torch.random.fork_rng(devices=[]):  # the weights are replaced: the caller's random state must not move
            model = AutoModelForCausalLM.from_config(config)
        engine = cls(model, tokenizer, **options)
        rounded = ((name, tensor.to(engine.dtype)) for name, tensor in weights)  # the decoder's dtype may be wider
        write_tensors(engine._decoder.named, rounded)
        return engine

    def generate(
        self, prompts: Sequence[Prompt], params: SamplingParams, **options: Unpack[GenerateOptions]
    ) -> list[list[Completion]]:
        """See `Engine.generate`. Raises `EngineError` for a prompt that does not fit the model."""
        self._check_may_sample(params)
        seeds_PG = seeds_of(params, len(prompts), options.get("seeds"))
        encoded = [self.encode(prompt) for prompt in prompts]
        limits_P = [one.max_new_tokens for one in limited(params, len(prompts), options.get("limits"))]
        requests: list[Request] = []
        for index, (ids, seeds_G, limit) in enumerate(zip(encoded, seeds_PG, limits_P, strict=True)):
            self._check_length(ids, limit, f"prompt {index}")
            requests.append([Row(ids, key, seed, limit) for key, seed in enumerate(seeds_G, index * params.n)])
        collector = GroupCollector(len(prompts), params.n, options.get("on_group"), options.get("on_sample"))
        Scheduler(
            self._decoder,
            params,
            self._stop(params),
            max_batch_tokens=self.max_batch_tokens,
            on_end=lambda row: collector.put(*divmod(row.key, params.n), self._completion(row)),
            on_tokens=options.get("on_tokens"),
        ).run(requests)
        return collector.groups()

    def generate_turns(self, feed: Feed, params: SamplingParams, *, on_tokens: OnTokens | None = None) -> None:
        """See `Engine.generate_turns`. Requests that arrive together and have one prompt share it.

        What was computed for a response is found again by its key, until the call ends: the weights may then change.
        """
        self._check_may_sample(params)
        kept_tokens = self.kept_tokens if self._decoder.is_continuous else 0
        scheduler = Scheduler(
            self._decoder,
            params,
            self._stop(params),
            max_batch_tokens=self.max_batch_tokens,
            on_end=lambda row: feed.put(row.key, self._completion(row), scheduler.step),
            on_tokens=on_tokens,
            incoming=partial(self._turns, feed),
            kept=KeptTurns(kept_tokens, lambda key: feed.is_over(key, scheduler.step)),
        )
        scheduler.run()
        self.prefilled_tokens += scheduler.prefilled_tokens

    def sync_weights(self, weights: WeightStream, *, version: int, probe: Probe) -> None:
        """See `Engine.sync_weights`; tensors are compared by the fingerprints of what decoding reads."""
        self._is_synced = False
        stream, own = FingerprintingStream(weights, self.dtype), self._decoder.named
        write_tensors(own, stream)
        sent = stream.fingerprints
        check_fingerprints(sent, {name: fingerprint(own[name].to(self.dtype)) for name in sent})
        check_probe(probe, self._logprobs(probe.prompt_ids, probe.response_ids))
        self._is_synced, self.weight_version = True, version

    def logprobs(self, prompt_ids: Sequence[int], response_ids: Sequence[int]) -> list[float]:
        """See `Engine.logprobs`."""
        self._check_synced()
        return self._logprobs(prompt_ids, response_ids)

    def sleep(self) -> bool:
        """Do nothing: the weights stay in memory."""
        return False

    def close(self) -> None:
        """Do nothing: the memory is that of the object itself."""

    def encode(self, prompt: Prompt) -> list[int]:
        """Token ids of a prompt (`or1_rollout.prompts`)."""
        return prompt_ids(prompt, self.tokenizer)

    @torch.inference_mode()
    def _logprobs(self, prompt_ids: Sequence[int], response_ids: Sequence[int]) -> list[float]:
        logits_TV = self._decoder.logits(prompt_ids, response_ids)
        logprobs_TV = logits_TV.log_softmax(-1, dtype=torch.promote_types(logits_TV.dtype, torch.float32))
        labels_T1 = torch.tensor(list(response_ids), device=logprobs_TV.device)[:, None]
        logprobs: list[float] = logprobs_TV.gather(1, labels_T1).squeeze(1).tolist()
        return logprobs

    def _check_synced(self) -> None:
        if not self._is_synced:
            raise EngineError("the last weight sync failed and the engine may hold a mixture of weights; sync again")

    def _check_may_sample(self, params: SamplingParams) -> None:
        self._check_synced()
        if params.has_penalties:
            raise EngineError(
                "the engine transformers does not support min_p and penalties; use a vLLM engine or a server"
            )

    def _check_length(self, ids: Sequence[int], max_new_tokens: int, what: str) -> None:
        positions = getattr(self.config, "max_position_embeddings", None)
        if not ids:
            raise EngineError(f"{what} is empty; a model needs at least one token to go on from")
        if positions is not None and len(ids) + max_new_tokens > positions:
            raise EngineError(
                f"{what} has {len(ids)} tokens; with max_new_tokens = {max_new_tokens} that is more "
                f"than the model's {positions} positions (max_position_embeddings)"
            )

    def _stop(self, params: SamplingParams) -> StopConditions:
        return StopConditions(self._end_ids | frozenset(params.stop_token_ids), params.stop, self._text)

    def _turns(self, feed: Feed, step: int, is_idle: bool) -> list[Request]:
        """Turns of a feed; those that arrive together and have one prompt become one request."""
        together: dict[tuple[int, ...], list[TurnRequest]] = {}
        for turn in feed.take(step, wait=is_idle):
            ids = self.encode(turn.prompt)
            self._check_length(ids, turn.max_new_tokens, f"the prompt of response {turn.key}")
            together.setdefault(tuple(ids), []).append(turn)
        return [
            [Row(ids, turn.key, turn.seed, turn.max_new_tokens) for turn in turns] for ids, turns in together.items()
        ]

    def _completion(self, row: Row) -> Completion:
        return Completion(
            token_ids=np.array(row.token_ids, dtype=np.int32),
            logprobs=np.array(row.logprobs, dtype=np.float32),
            text=self._text(row.token_ids) if row.text is None else row.text,
            finish_reason=row.finish_reason or FinishReason.ABORT,
            seed=row.seed,
            weight_version=self.weight_version,
        )

    def _text(self, token_ids: Sequence[int]) -> str:
        return text_of(self.tokenizer, token_ids)


def _compute_dtype(device: torch.device, dtype: torch.dtype) -> torch.dtype:
    """The model's dtype; float32 for bfloat16 weights on a CPU whose bfloat16 products are slower.

    Weights keep the values they have in bfloat16; only the products are wider.
    """
    return torch.float32 if dtype == torch.bfloat16 and device.type == "cpu" and not has_fast_bfloat16() else dtype


def _is_cached(config: Any) -> bool:
    return (
        config.model_type in CACHED_FAMILIES
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
