"""The protocol that every engine implements."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import Protocol, TypedDict, Unpack

from or1_rollout.turns import Feed
from or1_rollout.types import Completion, Prompt, SamplingParams
from or1_rollout.weight_sync import Probe, WeightStream

OnSample = Callable[[int, int, Completion], None]
"""`on_sample(prompt_index, sample_index, completion)`."""

OnTokens = Callable[[int], None]
"""`on_tokens(n)`: n more tokens were sampled, of responses that have ended or not."""

OnGroup = Callable[[int, list[Completion]], None]
"""`on_group(prompt_index, completions)`."""


class GenerateOptions(TypedDict, total=False):
    """What `Engine.generate` takes beside prompts and parameters; see there."""

    seeds: Sequence[Sequence[int]] | None
    limits: Sequence[int] | None
    on_group: OnGroup | None
    on_sample: OnSample | None
    on_tokens: OnTokens | None


class Engine(Protocol):
    """Prompts in, groups of completions out. Axes: P prompts, G = `params.n` completions of each."""

    @abstractmethod
    def generate(
        self,
        prompts: Sequence[Prompt],
        params: SamplingParams,
        *,
        seeds: Sequence[Sequence[int]] | None = None,
        limits: Sequence[int] | None = None,
        on_group: OnGroup | None = None,
        on_sample: OnSample | None = None,
        on_tokens: OnTokens | None = None,
    ) -> list[list[Completion]]:
        """Sample [P][G] completions, in the order of the prompts.

        `seeds` is [P][G], one per sample, so that any sample can be drawn again alone; without it they are derived
        from `params.seed`, the prompt's index and the sample's index. `limits` is [P], the most new tokens of each
        prompt's responses where that is less than `params.max_new_tokens`.

        `on_sample` is called as soon as a sample ends and `on_group` as soon as the last sample of a prompt has ended,
        in any order, in the calling thread; `on_tokens` while they are drawn.
        """

    @abstractmethod
    async def agenerate(
        self, prompts: Sequence[Prompt], params: SamplingParams, **options: Unpack[GenerateOptions]
    ) -> list[list[Completion]]:
        """`generate` for an event loop, which goes on meanwhile; the callbacks may come from another thread.

        Cancelled, it stops drawing.
        """

    @abstractmethod
    def generate_turns(self, feed: Feed, params: SamplingParams, *, on_tokens: OnTokens | None = None) -> None:
        """Sample the requests of `feed`, which may come while others are being sampled, until there are no more.

        Seed and `max_new_tokens` are the request's; `params` gives the rest, and its `n` is 1.
        """

    @abstractmethod
    def sync_weights(self, weights: WeightStream, *, version: int, probe: Probe) -> None:
        """Replace all weights and check the result; later completions carry `version`.

        Raises `WeightMismatch` if a tensor or a log-prob of the probe then differs from the trainer's. The engine
        generates again only after a sync that succeeded.
        """

    def between_pieces(self, sync: Callable[[], None]) -> None:
        """Call `sync`, which may replace the weights, when nothing is being sampled.

        That is at once, in the calling thread, where responses are sampled in one piece: ask only between two calls
        of `generate`. An engine that samples in pieces calls it before the next one.
        """
        sync()

    @abstractmethod
    def logprobs(self, prompt_ids: Sequence[int], response_ids: Sequence[int]) -> list[float]:
        """Log-prob of every response token at temperature 1, from one forward pass."""

    @abstractmethod
    def sleep(self) -> bool:
        """Release GPU memory until the next weight sync; False if the engine keeps it."""

    @abstractmethod
    def close(self) -> None:
        """Release memory and processes."""
