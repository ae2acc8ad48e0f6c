"""`VllmEngine`: vLLM in this process, alone or as one of the ranks of a `torchrun` job."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

from or1_rollout.async_engine import BlockingEngine
from or1_rollout.engine import GenerateOptions, OnTokens
from or1_rollout.engines.vllm.local import LocalClient, load_llm
from or1_rollout.engines.vllm.request import completion, vllm_params
from or1_rollout.engines.vllm.settings import VllmSettings
from or1_rollout.engines.vllm.transfer import WeightSender, local_transfer
from or1_rollout.errors import EngineError
from or1_rollout.groups import GroupFeed
from or1_rollout.prompts import prompt_ids
from or1_rollout.turns import Feed, TurnRequest
from or1_rollout.types import Completion, Prompt, SamplingParams
from or1_rollout.weight_sync import Fingerprint, FingerprintingStream, Probe, WeightStream
from or1_rollout.weight_sync.check import check_fingerprints, check_probe

if TYPE_CHECKING:
    import torch
    from vllm import LLM


class VllmEngine(BlockingEngine):
    """Implements `or1_rollout.Engine`. Under `torchrun` all ranks of a tensor-parallel engine make the same calls."""

    def __init__(self, llm: LLM, *, transfer: str = "auto", rank: int = 0) -> None:
        """Take over a loaded `LLM`; `rank` 0 is the one that sends weights."""
        self.llm, self.weight_version = llm, 0
        self.dtype: torch.dtype = llm.llm_engine.vllm_config.model_config.dtype
        self._can_sleep = bool(llm.llm_engine.vllm_config.model_config.enable_sleep_mode)
        self._is_asleep = False
        self.tokenizer: Any = llm.get_tokenizer()
        workers = llm.llm_engine.vllm_config.parallel_config.tensor_parallel_size
        self._sender = WeightSender(local_transfer(transfer, workers), LocalClient(llm), rank=rank)
        self._is_synced = True

    @classmethod
    def load(cls, path: str | Path, settings: VllmSettings | None = None) -> VllmEngine:
        """Load a Hugging Face folder (or hub id). Raises `EngineError` where vLLM is missing or refuses it."""
        settings = settings or VllmSettings()
        return cls(load_llm(path, settings), transfer=settings.transfer)

    def generate(
        self, prompts: Sequence[Prompt], params: SamplingParams, **options: Unpack[GenerateOptions]
    ) -> list[list[Completion]]:
        """See `Engine.generate`. Log-probs are None where top-p or top-k cut the distribution (`gives_logprobs`).

        `on_tokens` is called at every step, with the tokens of the samples that ended in it.
        Interrupted (Ctrl-C, an error in `on_group`), all requests still in flight are aborted.
        """
        feed = GroupFeed([self.encode(prompt) for prompt in prompts], params, options)
        for request in feed.requests:
            self._check_length(request, f"prompt {request.key // params.n}")
        self.generate_turns(feed, params, on_tokens=options.get("on_tokens"))
        return feed.groups()

    def generate_turns(self, feed: Feed, params: SamplingParams, *, on_tokens: OnTokens | None = None) -> None:
        """See `Engine.generate_turns`. The tokens before a turn come from the prefix cache."""
        self._check_synced()
        core, turns, step = self.llm.llm_engine, dict[str, TurnRequest](), 0
        try:
            while True:
                for request in feed.take(step, wait=not turns):
                    turn = replace(request, prompt=self.encode(request.prompt))
                    self._check_length(turn, "the prompt of a turn")
                    own = vllm_params(replace(params, max_new_tokens=turn.max_new_tokens), turn.seed)
                    name = f"turn-{turn.key}"  # `LLM.generate` counts its requests by bare numbers
                    core.add_request(name, {"prompt_token_ids": turn.prompt}, own)
                    turns[name] = turn
                if not turns:
                    return
                outputs, step = core.step(), step + 1
                for output in outputs:
                    turn = turns.pop(output.request_id)
                    feed.put(turn.key, completion(output.outputs[0], turn.seed, self.weight_version), step)
                if on_tokens is not None:
                    on_tokens(sum(len(output.outputs[0].token_ids) for output in outputs))
        finally:
            if turns:
                core.abort_request(list(turns))

    def sync_weights(self, weights: WeightStream, *, version: int, probe: Probe) -> None:
        """See `Engine.sync_weights`; tensors are compared by their fingerprints, as vLLM's kernels use them.

        The prefix cache, computed with the old weights, is reset.
        """
        self._is_synced = False
        stream = FingerprintingStream(weights, self.dtype)
        if self._is_asleep:
            self.llm.wake_up(tags=["weights"])  # the KV cache follows when the transfer's buffers are free again
        self._sender.send(stream)
        if self._is_asleep:
            self.llm.wake_up(tags=["kv_cache"])
            self._is_asleep = False
        if not self.llm.reset_prefix_cache():
            raise EngineError("vLLM did not reset its prefix cache: requests are in flight during a weight sync")
        check_fingerprints(stream.fingerprints, self._fingerprints())
        check_probe(probe, self._logprobs(probe.prompt_ids, probe.response_ids))
        self._is_synced, self.weight_version = True, version

    def logprobs(self, prompt_ids: Sequence[int], response_ids: Sequence[int]) -> list[float]:
        """See `Engine.logprobs`."""
        self._check_synced()
        return self._logprobs(prompt_ids, response_ids)

    def _fingerprints(self) -> dict[str, Fingerprint]:
        held: list[dict[str, list[int]]] = self.llm.collective_rpc("or1_fingerprints")
        return {name: Fingerprint(*sums) for name, sums in held[0].items()}

    def _logprobs(self, prompt_ids: Sequence[int], response_ids: Sequence[int]) -> list[float]:
        from vllm import SamplingParams as VllmParams

        whole = [*prompt_ids, *response_ids]
        params = VllmParams(max_tokens=1, temperature=0.0, prompt_logprobs=0)
        (output,) = self.llm.generate([{"prompt_token_ids": whole}], params, use_tqdm=False)
        per_position = output.prompt_logprobs[len(prompt_ids) :]
        return [float(known[token].logprob) for token, known in zip(response_ids, per_position, strict=True)]

    def sleep(self) -> bool:
        """See `Engine.sleep`; on a GPU and with `VllmSettings.sleep`. The weights are dropped, not saved."""
        if not self._can_sleep:
            return False
        self.llm.sleep(level=2)
        self._is_synced, self._is_asleep = False, True
        return True

    def close(self) -> None:
        """Release memory and processes."""
        self._sender.close()
        self.llm.llm_engine.engine_core.shutdown()

    def encode(self, prompt: Prompt) -> list[int]:
        """Token ids of a prompt (`or1_rollout.prompts`)."""
        return prompt_ids(prompt, self.tokenizer)

    def _check_length(self, turn: TurnRequest, what: str) -> None:
        limit = int(self.llm.llm_engine.vllm_config.model_config.max_model_len)
        if not len(turn.prompt) or len(turn.prompt) + turn.max_new_tokens > limit:
            raise EngineError(
                f"{what} has {len(turn.prompt)} tokens; it needs at least one, and with max_new_tokens = "
                f"{turn.max_new_tokens} at most the {limit} of the engine's context_tokens"
            )

    def _check_synced(self) -> None:
        if not self._is_synced:
            raise EngineError("the engine was put to sleep, or its last weight sync failed; sync its weights first")
