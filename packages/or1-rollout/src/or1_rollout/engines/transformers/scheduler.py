"""Continuous batching: rows (samples) that have ended leave the batch, and waiting requests enter it.

Axes: N rows of the batch.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch

from or1_rollout.engines.transformers.decoder import Decoder
from or1_rollout.engines.transformers.kept_turns import KeptTurns, Prefix
from or1_rollout.engines.transformers.rows import Row, StopConditions
from or1_rollout.errors import EngineError
from or1_rollout.seeds import uniforms_at
from or1_rollout.types import SamplingParams

LEAVE_SHARE = 1 / 16
"""Share of the rows that must have ended before they leave, or must wait before they enter: moving rows, and
matrix products of new sizes, cost time too."""


class Incoming(Protocol):
    """Requests that arrive while others are decoded."""

    @property
    def kept(self) -> KeptTurns | None:
        """Keys and values of ended rows, for the request of their next turn, by `Row.sample`; None: not kept."""

    def take(self, step: int, is_idle: bool) -> Iterable[Request]:
        """Return what arrived since the last call. If `is_idle`, wait for a request; if none comes, it is the end."""


@dataclass(frozen=True, slots=True, eq=False)
class Request:
    """Rows that continue one prompt and enter a batch together."""

    prompt_ids: Sequence[int]
    rows: Sequence[Row]


class Scheduler:
    """Decodes requests in one batch of at most `max_batch_tokens`: each prompt once, each row with its `max_tokens`.

    A request that is larger alone is decoded alone.
    """

    def __init__(
        self,
        decoder: Decoder,
        requests: Iterable[Request],
        params: SamplingParams,
        stop: StopConditions,
        *,
        max_batch_tokens: int,
        on_end: Callable[[Row], None],
        on_tokens: Callable[[int], None] | None = None,
        incoming: Incoming | None = None,
    ) -> None:
        """`on_end` is called with each row as soon as it has ended, `on_tokens` with the number sampled in a step."""
        self._on_tokens, self._incoming, self.step = on_tokens, incoming, 0
        self._kept = incoming.kept if incoming is not None and decoder.has_prefixes else None
        self.prefilled_tokens = 0
        """Prompt tokens that were computed, without those whose keys and values were kept from an earlier turn."""
        self._decoder, self._params, self._stop, self._on_end = decoder, params, stop, on_end
        self._max_batch_tokens = max_batch_tokens
        self._waiting = deque(requests)
        self._rows: list[Row] = []
        self._prompts: dict[int, Sequence[int]] = {}
        """Prompts of the rows in the batch, by `Row.prompt`."""
        self._batch = decoder.new_batch(params)

    @torch.inference_mode()
    def run(self) -> None:
        """Decode all requests to their ends."""
        while self._take() or self._rows:
            if self._may_admit():
                self._admit()
            self._draw()
            self.step += 1
            if all(row.finish_reason is not None for row in self._rows):
                self._rows, self._batch = [], self._decoder.new_batch(self._params)
                continue
            if not self._waiting or not self._decoder.takes_more_rows:
                self._drop_ended()
            self._batch.advance([row.token_ids[-1] for row in self._rows])

    def _take(self) -> bool:
        """Fetch the requests that have arrived; return whether any waits."""
        if self._incoming is not None:
            self._waiting.extend(self._incoming.take(self.step, not self._rows and not self._waiting))
        return bool(self._waiting)

    def _may_admit(self) -> bool:
        """Whether requests may enter now; ended rows are dropped first, if enough have ended."""
        if not self._waiting or not self._rows:
            return bool(self._waiting)
        if not self._decoder.takes_more_rows:
            return False
        has_dropped = self._drop_ended()
        waiting = sum(len(request.rows) for request in self._waiting) if self._incoming is not None else 0
        return has_dropped or waiting >= max(1.0, LEAVE_SHARE * len(self._rows))

    def _admit(self) -> None:
        """Let requests enter while they fit; the first one always does where the batch is empty."""
        room = self._max_batch_tokens - self._reserved_tokens()
        entering: list[Request] = []
        while self._waiting:
            cost = len(self._waiting[0].prompt_ids) + sum(row.max_tokens for row in self._waiting[0].rows)
            if cost > room and (entering or self._rows):
                break
            room -= cost
            entering.append(self._waiting.popleft())
        if entering:
            self._enter(entering)

    def _enter(self, entering: Sequence[Request]) -> None:
        prompts, prefixes = [request.prompt_ids for request in entering], [self._prefix(one) for one in entering]
        self._batch.admit(prompts, [len(request.rows) for request in entering], prefixes)
        self.prefilled_tokens += sum(map(len, prompts)) - sum(len(one.token_ids) for one in prefixes if one)
        self._prompts = {row.prompt: self._prompts[row.prompt] for row in self._rows}
        self._prompts |= {request.rows[0].prompt: request.prompt_ids for request in entering}
        self._rows += [row for request in entering for row in request.rows]

    def _prefix(self, request: Request) -> Prefix | None:
        """What was kept for one of the request's rows: its rows continue the same tokens, so any will do."""
        if self._kept is None:
            return None
        found = [self._kept.take(row.sample, request.prompt_ids) for row in request.rows]
        return next((prefix for prefix in found if prefix is not None), None)

    def _keep(self, place: int, row: Row, kept: KeptTurns) -> None:
        """Keep the keys and values of a row that has ended, all but its last token's, which was never fed back."""
        token_ids = [*self._prompts[row.prompt], *row.token_ids[:-1]]
        if kept.has_room(len(token_ids)):
            kept.put(row.sample, self._batch.prefix(place, token_ids))

    def _reserved_tokens(self) -> int:
        """Tokens that the rows in the batch may come to, each prompt counted once."""
        prompts = {row.prompt for row in self._rows}
        return sum(len(self._prompts[prompt]) for prompt in prompts) + sum(row.max_tokens for row in self._rows)

    def _draw(self) -> None:
        """Sample a token for every row that goes on."""
        places = [len(row.token_ids) for row in self._rows]
        uniform_N = torch.from_numpy(uniforms_at([row.seed for row in self._rows], places))
        tokens_N, logprobs_N = self._batch.draw(uniform_N)
        drawn = 0
        for place, (row, token, logprob) in enumerate(
            zip(self._rows, tokens_N.tolist(), logprobs_N.tolist(), strict=True)
        ):
            if row.finish_reason is not None:
                continue  # it has ended and only waits to leave
            if math.isnan(logprob):
                raise EngineError("the model's logits are NaN: its weights are broken and nothing can be sampled")
            self._stop.append(row, token, logprob)
            drawn += 1
            if row.finish_reason is not None:
                if self._kept is not None:
                    self._keep(place, row, self._kept)
                self._on_end(row)
        if self._on_tokens is not None:
            self._on_tokens(drawn)

    def _drop_ended(self) -> bool:
        """Let ended rows leave if they are many enough; the last rows move into their places."""
        alive = [index for index, row in enumerate(self._rows) if row.finish_reason is None]
        ended = len(self._rows) - len(alive)
        if ended == 0 or ended < LEAVE_SHARE * len(self._rows):
            return False
        last = [index for index in reversed(alive) if index >= len(alive)]
        is_alive = set(alive)
        order = [index if index in is_alive else last.pop(0) for index in range(len(alive))]
        self._rows = [self._rows[index] for index in order]
        self._batch.keep(order)
        return True
