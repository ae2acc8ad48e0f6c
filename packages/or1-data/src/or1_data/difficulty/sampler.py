"""A `Sampler` over an OpenAI-compatible endpoint: one vLLM server, several, or a hosted model."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from or1_data.completion import Completion
from or1_data.endpoint import Endpoint, EndpointSettings


class EndpointSampler:
    """Draws each attempt with a seed of its own, so that extra attempts differ from the earlier ones."""

    def __init__(self, settings: EndpointSettings, *, seed: int = 0) -> None:
        """Take the endpoint and the run's seed."""
        self.settings, self.seed = settings, seed

    def sample(
        self, prompts: Sequence[Sequence[dict[str, str]]], counts: Sequence[int], first_attempts: Sequence[int]
    ) -> list[list[Completion]]:
        """The attempts, in the order of the prompts; see `Sampler`."""
        return asyncio.run(self._all(prompts, counts, first_attempts))

    async def _all(
        self, prompts: Sequence[Sequence[dict[str, str]]], counts: Sequence[int], first_attempts: Sequence[int]
    ) -> list[list[Completion]]:
        async with Endpoint(self.settings) as endpoint:

            async def attempts(prompt: Sequence[dict[str, str]], count: int, first: int) -> list[Completion]:
                seeds = [self.seed * 1_000_003 + first + attempt for attempt in range(count)]
                return list(await asyncio.gather(*(endpoint.complete(prompt, seed=seed) for seed in seeds)))

            rows = zip(prompts, counts, first_attempts, strict=True)
            return list(await asyncio.gather(*(attempts(*row) for row in rows)))
