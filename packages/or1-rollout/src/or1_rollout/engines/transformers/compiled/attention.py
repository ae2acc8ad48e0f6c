"""One new token of every row against what the row has seen.

Axes: N rows, g key/value heads, R query heads of each, D head size, Q = g * (R + 2) * D, J columns seen, C columns of
the cache.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from or1_rollout.compiled import Floats, compiled, room
from or1_rollout.engines.transformers.steps import Shape
from or1_rollout.mkl import exponentials, multiply_each


@compiled
def attend_cache(
    mixed_NQ: Floats, keys: Floats, values: Floats, pads_N: NDArray[np.int64], column: int, shape: Shape, scores: Floats
) -> Floats:
    """Put the new keys and values at `column` of the cache; the queries' contexts, [N, g * R * D].

    `keys` are [N * g, D, C], `values` [N * g, C, D]; `scores` is room for N * g * R * J.
    """
    rows, groups, queries, dim = len(mixed_NQ), shape.groups, shape.queries, shape.head_dim
    seen, capacity = column + 1, keys.shape[2]
    context = room(rows, groups * queries * dim)
    places = np.empty((3, rows * groups), np.int64)
    for pair in range(rows * groups):
        n, first = pair // groups, (pair % groups) * (queries + 2) * dim
        for d in range(dim):
            keys[pair, d, column] = mixed_NQ[n, first + queries * dim + d]
            values[pair, column, d] = mixed_NQ[n, first + (queries + 1) * dim + d]
        places[0, pair] = mixed_NQ.ctypes.data + 4 * (n * mixed_NQ.shape[1] + first)
        places[1, pair] = keys.ctypes.data + 4 * pair * dim * capacity
        places[2, pair] = scores.ctypes.data + 4 * pair * queries * seen
    multiply_each(places, queries, dim, seen, dim, capacity, seen)
    sums = _softmax_without_sums(scores, rows, groups * queries, seen, pads_N)
    for pair in range(rows * groups):
        places[0, pair] = places[2, pair]
        places[1, pair] = values.ctypes.data + 4 * pair * capacity * dim
        places[2, pair] = context.ctypes.data + 4 * pair * queries * dim
    multiply_each(places, queries, seen, dim, seen, dim, dim)
    for n in range(rows):
        for head in range(groups * queries):
            for d in range(dim):
                context[n, head * dim + d] /= sums[n, head]
    return context


@compiled
def _softmax_without_sums(scores: Floats, rows: int, heads: int, seen: int, pads_N: NDArray[np.int64]) -> Floats:
    """Replace the scores by exponentials; of each head the sum that they are still to be divided by."""
    flat = scores.ravel()
    sums = room(rows, heads)
    for n in range(rows):
        for head in range(heads):
            row = flat[(n * heads + head) * seen : (n * heads + head + 1) * seen]
            top = row[pads_N[n]]
            for j in range(pads_N[n], seen):
                top = max(top, row[j])
            for j in range(seen):
                row[j] -= top
            row[: pads_N[n]] = -np.inf
    exponentials(scores, rows * heads * seen)
    for n in range(rows):
        for head in range(heads):
            row = flat[(n * heads + head) * seen : (n * heads + head + 1) * seen]
            total = np.float32(0)
            for j in range(seen):
                total += row[j]
            sums[n, head] = total
    return sums
