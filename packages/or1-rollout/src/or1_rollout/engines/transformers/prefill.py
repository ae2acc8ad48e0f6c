"""Prefill: compute prompts and write their keys and values to the cache of a batch.

A prompt is computed whole, or from behind the prefix that was computed in an earlier turn of its conversation.

Axes: P prompts, S new tokens of a prompt, L columns of the prompts, H hidden size, n new tokens of all prompts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain, groupby

import torch
from torch import Tensor

from or1_rollout.engines.transformers.cached_model import CachedModel, attention
from or1_rollout.engines.transformers.kept_turns import Prefix
from or1_rollout.engines.transformers.prompt_cache import PromptCache

PREFILL_TOKENS = 4096
"""Prompt tokens, padding included, that are computed at a time: more would only take memory."""


def prefill(
    model: CachedModel,
    cache: PromptCache,
    first: int,
    prompts: Sequence[Sequence[int]],
    prefixes: Sequence[Prefix | None],
) -> Tensor:
    """Compute prompts, with keys and values written to the cache; hidden states [P, H] of their last tokens.

    Prompt p has place `first` + p in the cache. Where `prefixes[p]` holds the keys and values of its first tokens, they
    are copied to the cache and only the tokens behind them are computed.
    """
    starts = [0] * len(prompts)
    for index, prefix in enumerate(prefixes):
        if prefix is not None:
            cache.write_prefix(first + index, prefix.keys, prefix.values)
            starts[index] = len(prefix.token_ids)
    new = [prompt[start:] for prompt, start in zip(prompts, starts, strict=True)]
    places = groupby(range(len(prompts)), key=lambda index: starts[index] == 0)
    whole = [list(run) for is_whole, run in places if is_whole]  # neighbors: other parts would round otherwise
    continued = sorted((index for index, start in enumerate(starts) if start), key=lambda index: len(new[index]))
    parts = [part for run in (*whole, continued) for part in _parts(run, new)]
    hidden = [
        _compute(model, cache, [first + p for p in part], [starts[p] for p in part], [new[p] for p in part])
        for part in parts
    ]
    order = torch.tensor([*chain(*parts)], device=model.device)
    return torch.cat(hidden)[order.argsort()]


def _parts(indices: Sequence[int], new: Sequence[Sequence[int]]) -> Iterator[Sequence[int]]:
    """Split `indices` into runs of at most `PREFILL_TOKENS` padded tokens; a longer prompt is a run of its own."""
    start = 0
    while start < len(indices):
        stop, longest = start + 1, len(new[indices[start]])
        while stop < len(indices) and max(longest, len(new[indices[stop]])) * (stop + 1 - start) <= PREFILL_TOKENS:
            longest = max(longest, len(new[indices[stop]]))
            stop += 1
        yield indices[start:stop]
        start = stop


def _compute(
    model: CachedModel, cache: PromptCache, places: Sequence[int], starts: Sequence[int], new: Sequence[Sequence[int]]
) -> Tensor:
    """Compute the new tokens [P][S] behind `starts[p]` tokens in the cache, which all prompts have or none.

    Returns the hidden states [P, H] of the last ones.
    """
    device = model.device
    lengths_P1, starts_P1 = torch.tensor([[len(ids)] for ids in new]), torch.tensor(starts)[:, None]
    place_S = torch.arange(int(lengths_P1.max()))
    column_PS = starts_P1 + place_S
    columns = int((starts_P1 + lengths_P1).max())
    is_seen_P1SL = (torch.arange(columns) <= column_PS[:, None, :, None]).to(device) if any(starts) else None
    prompt_n, new_n = (place_S < lengths_P1).nonzero(as_tuple=True)
    column_n = column_PS[prompt_n, new_n].to(device)
    places_P, prompt_n, new_n = torch.tensor(places, device=device), prompt_n.to(device), new_n.to(device)

    def attend(layer: int, queries: Tensor, keys: Tensor, values: Tensor) -> Tensor:
        cache.write(layer, places_P[prompt_n], column_n, keys[prompt_n, new_n], values[prompt_n, new_n])
        if is_seen_P1SL is not None:
            keys, values = cache.read(layer, places_P, columns)
        return attention(queries, keys, values, is_seen_P1SL)

    ids_PS = torch.tensor([[*ids, *[0] * (len(place_S) - len(ids))] for ids in new], device=device)
    hidden_PSH = model.forward(ids_PS, column_PS.to(device), attend)
    return hidden_PSH[torch.arange(len(new)), (lengths_P1 - 1).squeeze(1)]
