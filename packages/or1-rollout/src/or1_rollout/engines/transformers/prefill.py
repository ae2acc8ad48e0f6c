"""Prefill: compute prompts and write their keys and values to the cache of a batch.

A prompt is computed whole, or from behind the prefix that was computed in an earlier turn of its conversation.

Axes: P prompts, L positions of a prompt, S new tokens of a prompt, H hidden size, h query heads, g key/value heads, D
head size, n new tokens of all prompts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import torch
import torch.nn.functional as F
from torch import Tensor

from or1_rollout.engines.transformers.cached_model import Attend, CachedModel, causal_attention
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
    """Compute prompts, with keys and values written to the cache; hidden states [P, H] of their last tokens.

    Prompt p has place `first` + p in the cache. Where `prefixes[p]` holds the keys and values of its first tokens, they
    are copied to the cache and only the tokens behind them are computed.
    """
    starts = [0 if prefix is None else len(prefix.token_ids) for prefix in prefixes or [None] * len(prompts)]
    for place, prefix in enumerate(prefixes, first):
        if prefix is not None:
            cache.write_prefix(place, prefix.keys, prefix.values)
    parts = [
        *_whole_parts(model, cache, first, prompts, starts),
        *_continued_parts(model, cache, first, prompts, starts),
    ]
    order = torch.tensor([index for members, _ in parts for index in members], device=model.device)
    return torch.cat([hidden_PH for _, hidden_PH in parts])[order.argsort()]


def _whole_parts(
    model: CachedModel, cache: PromptCache, first: int, prompts: Sequence[Sequence[int]], starts: Sequence[int]
) -> Iterator[tuple[Sequence[int], Tensor]]:
    """Compute the prompts without a prefix, part by part.

    Yields the indices of the prompts of a part, which are neighbors in the cache, and the hidden states [., H] of their
    last tokens.
    """
    for is_whole, run in groupby(range(len(prompts)), key=lambda index: starts[index] == 0):
        for members in _parts(list(run), [len(prompt) for prompt in prompts]) if is_whole else ():
            part = [prompts[index] for index in members]
            yield members, _last(model.forward(_padded(part, model.device), _writing(cache, first + members[0])), part)


def _writing(cache: PromptCache, first: int) -> Attend:
    """Causal attention that also writes the keys and values to the cache, from place `first` on."""

    def attend(layer: int, queries: Tensor, keys: Tensor, values: Tensor) -> Tensor:
        cache.write(layer, first, keys, values)
        return causal_attention(layer, queries, keys, values)

    return attend


def _continued_parts(
    model: CachedModel, cache: PromptCache, first: int, prompts: Sequence[Sequence[int]], starts: Sequence[int]
) -> Iterator[tuple[Sequence[int], Tensor]]:
    """The same for the prompts whose prefix is in the cache; those with similar numbers of new tokens go together."""
    new = [len(prompt) - start for prompt, start in zip(prompts, starts, strict=True)]
    going_on = sorted((index for index, start in enumerate(starts) if start), key=new.__getitem__)
    for members in _parts(going_on, new):
        continued = _Continued(model, cache, [first + index for index in members], [starts[index] for index in members])
        yield members, continued.compute([prompts[index][starts[index] :] for index in members])


@dataclass(frozen=True, slots=True, eq=False)
class _Continued:
    """Prompts whose first tokens are in the cache: `starts[p]` tokens of prompt p, at its place `places[p]`."""

    model: CachedModel
    cache: PromptCache
    places: Sequence[int]
    starts: Sequence[int]

    def compute(self, new: Sequence[Sequence[int]]) -> Tensor:
        """Compute the new tokens [P][S], which follow those in the cache; hidden states [P, H] of the last ones."""
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


def _parts(indices: Sequence[int], tokens: Sequence[int]) -> Iterator[Sequence[int]]:
    """Split `indices` into runs of at most `PREFILL_TOKENS` padded tokens; a longer prompt is a run of its own."""
    start = 0
    while start < len(indices):
        stop, longest = start + 1, tokens[indices[start]]
        while stop < len(indices) and max(longest, tokens[indices[stop]]) * (stop + 1 - start) <= PREFILL_TOKENS:
            longest = max(longest, tokens[indices[stop]])
            stop += 1
        yield indices[start:stop]
        start = stop
