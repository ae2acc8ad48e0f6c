"""Continuous batching: rows (samples) that have ended leave the batch, and waiting requests enter it.

Axes: N rows of the batch.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterable, Sequence

import torch

from or1_rollout.engines.transformers.decoder import Decoder
from or1_rollout.engines.transformers.kept_turns import KeptTurns, Prefix
from or1_rollout.engines.transformers.rows import Row, StopConditions
from or1_rollout.engines.transformers.sampling import sample
from or1_rollout.errors import EngineError
from or1_rollout.seeds import uniforms_at
from or1_rollout.types import SamplingParams

LEAVE_SHARE = 1 / 16
"""Share of the rows that must have ended before they leave, or must wait before they enter: moving rows, and
matrix products of new sizes, cost time too."""

Request = Sequence[Row]
"""Rows that continue one prompt, which they share as one object, and enter a batch together."""

Incoming = Callable[[int, bool], Iterable[Request]]
"""`incoming(step, is_idle)`: what arrived since the last call; if `is_idle` it waits, and nothing is then the end."""


class Scheduler:
    """Decodes requests in one batch of at most `max_batch_tokens`: each prompt once, each row with its `max_tokens`.

    A request that is larger is cut into parts; a row that is larger alone is decoded alone.
    """

    def __init__(
        self,
        decoder: Decoder,
        params: SamplingParams,
        stop: StopConditions,
        *,
        max_batch_tokens: int,
        on_end: Callable[[Row], None],
        on_tokens: Callable[[int], None] | None = None,
        incoming: Incoming | None = None,
        kept: KeptTurns | None = None,
    ) -> None:
        """`on_end` is called with each row as soon as it has ended, `on_tokens` with the number sampled in a step.

        `kept` has the keys and values of ended rows, for the request of their next turn, by `Row.key`.
        """
        self._on_end, self._on_tokens, self._incoming, self.step = on_end, on_tokens, incoming, 0
        self.prefilled_tokens = 0
        """Prompt tokens that were computed, without those whose keys and values were kept from an earlier turn."""
        self._decoder, self._params, self._stop = decoder, params, stop
        self._kept = kept or KeptTurns(0, lambda key: True)
        self._max_batch_tokens = max_batch_tokens
        self._waiting: deque[Request] = deque()
        self._rows: list[Row] = []
        self._batch = decoder.new_batch(params.max_new_tokens)

    @torch.inference_mode()
    def run(self, requests: Iterable[Request] = ()) -> None:
        """Decode these requests, and those that come in, to their ends."""
        self._add(requests)
        while self._has_more():
            self._refill()
            self._draw()
            self.step += 1
            if all(row.finish_reason is not None for row in self._rows):
                self._rows, self._batch = [], self._decoder.new_batch(self._params.max_new_tokens)
                continue
            if not self._waiting or not self._decoder.is_continuous:
                self._drop_ended()
            self._batch.advance([row.token_ids[-1] for row in self._rows])

    def _add(self, requests: Iterable[Request]) -> None:
        """Let requests wait, in the order of their prompts' lengths, so that little is padded."""
        for request in sorted(requests, key=lambda rows: len(rows[0].prompt_ids)):
            longest = max(row.max_tokens for row in request)
            most = max(1, (self._max_batch_tokens - len(request[0].prompt_ids)) // longest)
            self._waiting.extend(request[first : first + most] for first in range(0, len(request), most))

    def _has_more(self) -> bool:
        """Fetch the requests that have arrived; whether anything waits or is being decoded."""
        if self._incoming is not None:
            self._add(self._incoming(self.step, not self._rows and not self._waiting))
        return bool(self._waiting or self._rows)

    def _refill(self) -> None:
        """Let ended rows leave and requests enter, where either are enough."""
        if not self._rows:
            self._admit()
        elif self._waiting and self._decoder.is_continuous:
            waiting = sum(map(len, self._waiting)) if self._incoming is not None else 0
            is_enough = waiting >= max(1.0, LEAVE_SHARE * len(self._rows))
            if self._drop_ended() or is_enough:
                self._admit()

    def _admit(self) -> None:
        """Let requests enter while they fit; the first one always does where the batch is empty."""
        room = self._max_batch_tokens - self._reserved_tokens()
        entering: list[Request] = []
        while self._waiting:
            cost = len(self._waiting[0][0].prompt_ids) + sum(row.max_tokens for row in self._waiting[0])
            if cost > room and (entering or self._rows):
                break
            room -= cost
            entering.append(self._waiting.popleft())
        if entering:
            self._enter(entering)

    def _enter(self, entering: Sequence[Request]) -> None:
        prompts, prefixes = [rows[0].prompt_ids for rows in entering], [self._prefix(rows) for rows in entering]
        self._batch.admit(prompts, [len(rows) for rows in entering], prefixes)
        self.prefilled_tokens += sum(map(len, prompts)) - sum(len(one.token_ids) for one in prefixes if one)
        self._rows += [row for rows in entering for row in rows]

    def _prefix(self, rows: Request) -> Prefix | None:
        """What was kept for one of the rows: they continue the same tokens, so any will do."""
        found = [self._kept.take(row.key, row.prompt_ids) for row in rows]
        return next((prefix for prefix in found if prefix is not None), None)

    def _keep(self, place: int, row: Row) -> None:
        """Keep the keys and values of a row that has ended, all but its last token's, which was never fed back."""
        if self._kept.has_room(len(row.prompt_ids) + len(row.token_ids) - 1):
            self._kept.put(row.key, self._batch.prefix(place, [*row.prompt_ids, *row.token_ids[:-1]]))

    def _reserved_tokens(self) -> int:
        """Tokens that the rows in the batch may come to, each prompt counted once."""
        lengths = {id(row.prompt_ids): len(row.prompt_ids) for row in self._rows}
        return sum(lengths.values()) + sum(row.max_tokens for row in self._rows)

    def _draw(self) -> None:
        """Sample a token for every row that goes on."""
        drawn = 0
        for place, (row, token, logprob) in enumerate(zip(self._rows, *self._sample(), strict=True)):
            if row.finish_reason is not None:
                continue  # it has ended and only waits to leave
            if math.isnan(logprob):
                raise EngineError("the model's logits are NaN: its weights are broken and nothing can be sampled")
            self._stop.append(row, token, logprob)
            drawn += 1
            if row.finish_reason is not None:
                self._keep(place, row)
                self._on_end(row)
        if self._on_tokens is not None:
            self._on_tokens(drawn)

    def _sample(self) -> tuple[list[int], list[float]]:
        """[N] the next token of every row and its log-prob."""
        params, logits_NV = self._params, self._batch.next_logits()
        uniforms = uniforms_at([row.seed for row in self._rows], [len(row.token_ids) for row in self._rows])
        uniform_N = torch.from_numpy(uniforms).to(logits_NV.device)
        tokens_N, logprobs_N = sample(logits_NV, uniform_N, params.temperature, params.top_p, params.top_k)
        return tokens_N.tolist(), logprobs_N.tolist()

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
