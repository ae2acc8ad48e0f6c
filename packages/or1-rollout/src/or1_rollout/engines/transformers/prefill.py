"""Prompts into the cache of a batch: whole ones, and ones whose first tokens were computed before.

Axes: P prompts, L positions of a prompt, S new tokens of a prompt, H hidden size, h query heads, g key/value heads, D
head size, n new tokens of all prompts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from or1_rollout.engines.transformers.cached_model import CachedModel, causal_attention
from or1_rollout.engines.transformers.kept_turns import Prefix
from or1_rollout.engines.transformers.prompt_cache import PromptCache

PREFILL_TOKENS = 4096
"""Prompt tokens, padding included, that are computed at a time: more would only take memory."""


def prefill(
    model: CachedModel,
    cache: PromptCache,
    first: int,
    prompts: Sequence[Sequence[int]],
    prefixes: Sequence[Prefix | None] = (),
) -> Tensor:
    """Compute prompts into the cache from place `first` on; hidden states [P, H] of their last tokens.

    `prefixes[p]`, where there is one, is written as it is, and only the tokens behind it are computed.
    """
    if not any(prefixes):
        parts = [_whole(model, cache, first + start, part) for start, part in _parts(prompts)]
        return torch.cat(parts)
    starts = [0 if prefix is None else len(prefix.token_ids) for prefix in prefixes]
    for place, prefix in enumerate(prefixes, first):
        if prefix is not None:
            cache.write_prefix(place, prefix.keys, prefix.values)
    new = [prompt[start:] for prompt, start in zip(prompts, starts, strict=True)]
    order = sorted(range(len(new)), key=lambda index: len(new[index]))
    hidden = []
    for start, part in _parts([new[index] for index in order]):
        members = order[start : start + len(part)]
        places, known = [first + index for index in members], [starts[index] for index in members]
        hidden.append(_Continued(model, cache, places, known).compute(part))
    back = torch.tensor(order, device=model.device).argsort()
    return torch.cat(hidden)[back]


def _whole(model: CachedModel, cache: PromptCache, first: int, prompts: Sequence[Sequence[int]]) -> Tensor:
    def attend(layer: int, queries: Tensor, keys: Tensor, values: Tensor) -> Tensor:
        cache.write(layer, first, keys, values)
        return causal_attention(layer, queries, keys, values)

    return _last(model.forward(_padded(prompts, model.device), attend), prompts)


@dataclass(frozen=True, slots=True, eq=False)
class _Continued:
    """Prompts whose first tokens are in the cache: prompt p has `starts[p]` of them in place `places[p]`."""

    model: CachedModel
    cache: PromptCache
    places: Sequence[int]
    starts: Sequence[int]

    def compute(self, new: Sequence[Sequence[int]]) -> Tensor:
        """Compute the tokens behind them, [P][S]; hidden states [P, H] of the last ones."""
        device = self.model.device
        lengths_P1, starts_P1 = torch.tensor([[len(ids)] for ids in new]), torch.tensor(self.starts)[:, None]
        places_P = torch.tensor(self.places, device=device)
        place_S = torch.arange(int(lengths_P1.max()))
        column_PS = starts_P1 + place_S
        prompt_n, new_n = (place_S < lengths_P1).nonzero(as_tuple=True)
        column_n = column_PS[prompt_n, new_n].to(device)
        prompt_n, new_n = prompt_n.to(device), new_n.to(device)
        columns = int((starts_P1 + lengths_P1).max())
        is_seen_P1SL = (torch.arange(columns) <= column_PS[:, None, :, None]).to(device)

        def attend(layer: int, queries: Tensor, keys: Tensor, values: Tensor) -> Tensor:
            self.cache.write_tokens(layer, places_P[prompt_n], column_n, keys[prompt_n, new_n], values[prompt_n, new_n])
            all_keys, all_values = self.cache.read(layer, places_P, columns)
            context = F.scaled_dot_product_attention(
                queries.transpose(1, 2), all_keys, all_values, attn_mask=is_seen_P1SL, enable_gqa=True
            )
            return context.transpose(1, 2)

        return _last(self.model.forward(_padded(new, device), attend, column_PS.to(device)), new)


def _padded(prompts: Sequence[Sequence[int]], device: torch.device) -> Tensor:
    longest = max(map(len, prompts))
    return torch.tensor([[*prompt, *[0] * (longest - len(prompt))] for prompt in prompts], device=device)


def _last(hidden_PLH: Tensor, prompts: Sequence[Sequence[int]]) -> Tensor:
    last_P = torch.tensor([len(prompt) - 1 for prompt in prompts], device=hidden_PLH.device)
    return hidden_PLH[torch.arange(len(prompts), device=hidden_PLH.device), last_P]


def _parts(prompts: Sequence[Sequence[int]]) -> Iterator[tuple[int, Sequence[Sequence[int]]]]:
    """Runs of prompts whose padded tokens keep to `PREFILL_TOKENS`, with the index of each run's first."""
    start = 0
    while start < len(prompts):
        stop, longest = start + 1, len(prompts[start])
        while stop < len(prompts) and max(longest, len(prompts[stop])) * (stop + 1 - start) <= PREFILL_TOKENS:
            longest = max(longest, len(prompts[stop]))
            stop += 1
        yield start, prompts[start:stop]
        start = stop
