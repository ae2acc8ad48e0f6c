"""`MultiTurnEngine`: an engine whose responses are made by policy and environment in turns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any, Unpack

from or1_rollout.async_engine import BlockingEngine, GenerateOptions
from or1_rollout.engine import Engine
from or1_rollout.environments.codec import TurnCodec
from or1_rollout.environments.feed import TurnFeed
from or1_rollout.environments.protocol import Environment, Episode, Problem, TurnLimits
from or1_rollout.environments.transcript import Transcript
from or1_rollout.errors import EnvironmentFailure
from or1_rollout.groups import GroupCollector, limited, seeds_of
from or1_rollout.prompts import prompt_ids
from or1_rollout.seeds import turn_seed
from or1_rollout.turns import TurnRequest
from or1_rollout.types import Completion, FinishReason, Prompt, SamplingParams
from or1_rollout.weight_sync import Probe, WeightStream

THREADS = 64
"""Environments that work at the same time; they mostly wait."""


@dataclass(slots=True, eq=False)
class _Response:
    """One response in the making."""

    transcript: Transcript
    episode: Episode
    seed: int
    max_sampled: int
    """Most tokens that it may sample, in all turns together."""


class MultiTurnEngine(BlockingEngine):
    """Fits `or1_rollout.Engine`: `generate` gives whole transcripts (`Completion.segments`).

    The turns of different responses interleave in one batch of the engine below, so that an environment that is
    slow stops nobody else.
    """

    def __init__(
        self,
        engine: Engine,
        environment: Environment,
        tokenizer: Any,
        *,
        limits: TurnLimits | None = None,
        lag_steps: int | None = None,
        threads: int = THREADS,
        problem_of: Callable[[Prompt], Problem] | None = None,
    ) -> None:
        """Take an engine and its tokenizer.

        Args:
            engine: samples the turns; it is closed with this one.
            environment: answers them.
            tokenizer: the model's.
            limits: what truncates a response, beside the tokens that it samples.
            lag_steps: see `TurnFeed`; for engines that count steps, which are those in this process.
            threads: environments that work at the same time.
            problem_of: the problem that a prompt belongs to; without it `{"prompt": prompt}`.
        """
        self.engine, self.environment, self.tokenizer = engine, environment, tokenizer
        self._limits, self._lag_steps, self._num_threads = limits or TurnLimits(), lag_steps, threads
        self._problem_of = problem_of or (lambda prompt: {"prompt": prompt})
        self._codec = TurnCodec(tokenizer)
        self._failures: list[EnvironmentFailure] = []
        self.waited_s = 0.0
        """Time that the engine stood still to wait for environments, in the last call."""

    def generate(
        self, prompts: Sequence[Prompt], params: SamplingParams, **options: Unpack[GenerateOptions]
    ) -> list[list[Completion]]:
        """See `Engine.generate`. `max_new_tokens` counts what the policy samples in all turns together.

        Raises:
            EnvironmentFailure: the environment failed in every response. One in which it failed is an abort.
        """
        seeds_PG = seeds_of(params, len(prompts), options.get("seeds"))
        limits_P = [one.max_new_tokens for one in limited(params, len(prompts), options.get("limits"))]
        encoded = [self.encode(prompt) for prompt in prompts]
        collector = GroupCollector(len(prompts), params.n, options.get("on_group"), options.get("on_sample"))
        places = [(prompt, sample) for prompt in range(len(prompts)) for sample in range(params.n)]
        responses: list[_Response] = []
        self._failures = []
        try:
            for prompt, sample in places:
                seed = seeds_PG[prompt][sample]
                episode = self.environment.start(self._problem_of(prompts[prompt]), seed)
                responses.append(_Response(Transcript(encoded[prompt], seed), episode, seed, limits_P[prompt]))
            with ThreadPoolExecutor(self._num_threads, "or1-environments") as threads:
                feed = TurnFeed(
                    [self._request(key, response) for key, response in enumerate(responses)],
                    lambda key, turn: self._answer(key, responses[key], turn),
                    threads,
                    on_end=lambda key, response: collector.put(*places[key], response),
                    lag_steps=self._lag_steps,
                )
                stop = (*params.stop, *self.environment.stop)
                self.engine.generate_turns(feed, replace(params, n=1, stop=stop), on_tokens=options.get("on_tokens"))
                self.waited_s = feed.waited_s
            if responses and len(self._failures) == len(responses):
                raise self._failures[0]
        finally:
            for response in responses:
                response.episode.close()
        return collector.groups()

    def _answer(self, key: int, response: _Response, turn: Completion) -> TurnRequest | Completion:
        """Take a turn; the next one, or the complete response."""
        transcript, limits = response.transcript, self._limits
        text = self._codec.decode(turn.token_ids.tolist())
        transcript.add_sampled(turn, text)
        if turn.finish_reason is not FinishReason.STOP:
            return transcript.completion(turn.finish_reason)
        try:
            observation = response.episode.respond(text)
        except EnvironmentFailure as error:
            self._failures.append(error)
            return transcript.completion(FinishReason.ABORT)
        if observation is None:
            return transcript.completion(FinishReason.STOP)
        ids = self._codec.encode(observation, turn.token_ids.tolist())
        room = limits.observation_tokens - transcript.num_observed
        is_over = transcript.num_turns >= limits.turns or transcript.num_sampled >= response.max_sampled
        if is_over or len(ids) > room:
            return transcript.completion(FinishReason.LENGTH)
        transcript.add_observation(ids, self._codec.decode(ids))
        return self._request(key, response)

    def _request(self, key: int, response: _Response) -> TurnRequest:
        transcript = response.transcript
        return TurnRequest(
            key=key,
            prompt=transcript.context_ids,
            seed=turn_seed(response.seed, transcript.num_segments),
            max_new_tokens=response.max_sampled - transcript.num_sampled,
        )

    def encode(self, prompt: Prompt) -> list[int]:
        """Token ids of a prompt; of messages with what the environment adds, and its tools."""
        if not isinstance(prompt, str) and len(prompt) and not isinstance(prompt[0], int):
            prompt = self.environment.messages(prompt)  # type: ignore[arg-type]
        return prompt_ids(prompt, self.tokenizer, self.environment.tools)

    def generate_turns(self, feed: Any, params: SamplingParams, *, on_tokens: Any = None) -> None:
        """Of the engine below, without the environment."""
        self.engine.generate_turns(feed, params, on_tokens=on_tokens)

    def sync_weights(self, weights: WeightStream, *, version: int, probe: Probe) -> None:
        """See `Engine.sync_weights`."""
        self.engine.sync_weights(weights, version=version, probe=probe)

    def logprobs(self, prompt_ids: Sequence[int], response_ids: Sequence[int]) -> list[float]:
        """See `Engine.logprobs`."""
        return self.engine.logprobs(prompt_ids, response_ids)

    def sleep(self) -> bool:
        """See `Engine.sleep`."""
        return self.engine.sleep()

    def close(self) -> None:
        """Close the engine below."""
        self.engine.close()
