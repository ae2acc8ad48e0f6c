"""`MultiTurnEngine`: an engine whose responses are made by policy and environment in turns."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any, Unpack

from or1_rollout.async_engine import BlockingEngine
from or1_rollout.engine import Engine, GenerateOptions, OnTokens
from or1_rollout.environments.codec import TurnCodec
from or1_rollout.environments.conversation import Conversation
from or1_rollout.environments.feed import TurnFeed
from or1_rollout.environments.protocol import Environment, Problem, TurnLimits
from or1_rollout.errors import EnvironmentFailure
from or1_rollout.groups import GroupCollector, limited, seeds_of
from or1_rollout.prompts import is_told_of_tools, prompt_ids
from or1_rollout.turns import TurnRequest
from or1_rollout.types import Completion, FinishReason, Prompt, SamplingParams
from or1_rollout.weight_sync import Probe, WeightStream

_logger = logging.getLogger(__name__)

THREADS = 64
"""Environments that work at the same time; they mostly wait."""


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
        piece_tokens: int | None = None,
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
            piece_tokens: a turn is sampled in pieces of at most so many tokens; see `between_pieces`.
            problem_of: the problem that a prompt belongs to; without it `{"prompt": prompt}`.
        """
        self.engine, self.environment, self.tokenizer = engine, environment, tokenizer
        self._limits, self._lag_steps, self._num_threads = limits or TurnLimits(), lag_steps, threads
        self._problem_of = problem_of or (lambda prompt: {"prompt": prompt})
        if environment.tools and not is_told_of_tools(tokenizer, environment.tools):
            _logger.warning(
                "the chat template tells the model of no tools: say in a system message how they are called"
            )
        self._codec, self._piece_tokens = TurnCodec(tokenizer), piece_tokens
        self._lock, self._pending = threading.RLock(), list[Callable[[], None]]()
        self._feed: TurnFeed | None = None
        """Of the call that is being made."""
        self._failures: list[EnvironmentFailure] = []
        self.waited_s = 0.0
        """Time that the engine stood still to wait for environments, in the last call."""

    def generate(
        self, prompts: Sequence[Prompt], params: SamplingParams, **options: Unpack[GenerateOptions]
    ) -> list[list[Completion]]:
        """See `Engine.generate`. `max_new_tokens` counts what the policy samples in all turns together.

        Raises:
            EnvironmentFailure: the environment failed and answered nobody. Else a response in which it failed is an
                abort.
        """
        seeds_PG = seeds_of(params, len(prompts), options.get("seeds"))
        limits_P = [one.max_new_tokens for one in limited(params, len(prompts), options.get("limits"))]
        encoded = [self.encode(prompt) for prompt in prompts]
        collector = GroupCollector(len(prompts), params.n, options.get("on_group"), options.get("on_sample"))
        stop = (*params.stop, *self.environment.stop)
        conversations: list[Conversation] = []
        self._failures = []
        try:
            for prompt, ids, limit, seeds in zip(prompts, encoded, limits_P, seeds_PG, strict=True):
                for seed in seeds:
                    conversation = Conversation(
                        key=len(conversations),
                        prompt_ids=ids,
                        episode=self.environment.start(self._problem_of(prompt), seed),
                        seed=seed,
                        max_sampled=limit,
                        codec=self._codec,
                        limits=self._limits,
                        stop=stop,
                        piece_tokens=self._piece_tokens,
                    )
                    conversations.append(conversation)
            with ThreadPoolExecutor(self._num_threads, "or1-environments") as threads:
                feed = TurnFeed(
                    [conversation.request() for conversation in conversations],
                    lambda key, turn: self._answer(conversations[key], turn),
                    threads,
                    on_end=lambda key, response: collector.put(*divmod(key, params.n), response),
                    lag_steps=self._lag_steps,
                )
                self._sample(feed, replace(params, n=1, stop=stop), options.get("on_tokens"))
                self.waited_s = feed.waited_s
            if self._failures and not any(conversation.was_answered for conversation in conversations):
                raise self._failures[0]
        finally:
            for conversation in conversations:
                conversation.episode.close()
        return collector.groups()

    def _sample(self, feed: TurnFeed, params: SamplingParams, on_tokens: OnTokens | None) -> None:
        """Sample all turns; between two pieces the engine may get new weights."""
        with self._lock:
            self._run_pending()
            self._feed = feed
        try:
            while not feed.is_empty:
                self.engine.generate_turns(feed, params, on_tokens=on_tokens)
                with self._lock:
                    self._run_pending()
                    feed.resume()
        finally:
            with self._lock:
                self._feed = None
        self._run_pending()

    def _run_pending(self) -> None:
        with self._lock:
            while self._pending:
                self._pending.pop(0)()

    def between_pieces(self, sync: Callable[[], None]) -> None:
        """Call `sync`, which may replace the weights, as soon as no piece is being sampled; any thread may ask.

        Where nothing is sampled it is called at once. Responses that are not complete go on with the new weights:
        their segments say which version sampled them.
        """
        with self._lock:
            if self._feed is None:
                sync()
                return
            self._pending.append(sync)
            self._feed.pause()

    def _answer(self, conversation: Conversation, piece: Completion) -> TurnRequest | Completion:
        try:
            return conversation.take(piece)
        except EnvironmentFailure as error:
            self._failures.append(error)
            return conversation.completion(FinishReason.ABORT)

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
