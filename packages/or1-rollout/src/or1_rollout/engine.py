"""The protocol that every engine implements."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from or1_rollout.types import Completion, Prompt, SamplingParams
from or1_rollout.weight_sync.proof import Fingerprint

if TYPE_CHECKING:
    from torch import Tensor

OnSample = Callable[[int, int, Completion], None]
"""`on_sample(prompt_index, sample_index, completion)`."""

OnGroup = Callable[[int, list[Completion]], None]
"""`on_group(prompt_index, completions)`."""


class Engine(Protocol):
    """Prompts in, groups of completions out. Axes: P prompts, G = `params.n` completions of each."""

    def generate(
        self,
        prompts: Sequence[Prompt],
        params: SamplingParams,
        *,
        seeds: Sequence[Sequence[int]] | None = None,
        on_group: OnGroup | None = None,
        on_sample: OnSample | None = None,
    ) -> list[list[Completion]]:
        """Sample [P][G] completions, in the order of the prompts.

        `seeds` is [P][G], one per sample, so that any sample can be drawn again alone; without it they are derived
        from `params.seed`, the prompt's index and the sample's index. `on_sample` is called as soon as a sample ends
        and `on_group` as soon as the last sample of a prompt has ended, in any order, in the calling thread.
        """

    def update_weights(self, named: Iterable[tuple[str, Tensor]], *, version: int) -> None:
        """Replace all weights by tensors under their Hugging Face names; later completions carry `version`."""

    def fingerprints(self) -> Mapping[str, Fingerprint]:
        """Fingerprint of every weight, by Hugging Face name, as the engine really uses it."""

    def logprobs(self, prompt_ids: Sequence[int], response_ids: Sequence[int]) -> list[float]:
        """Log-prob of every response token at temperature 1, from one forward pass."""

    def close(self) -> None:
        """Release memory and processes."""


@runtime_checkable
class HoldsWeights(Protocol):
    """An engine in this process, whose weights themselves can be compared: that says more than fingerprints."""

    def differing(self, named: Iterable[tuple[str, Tensor]]) -> list[str]:
        """Names of the tensors that it does not hold in the same values, as it uses them, and of those not named."""
