"""Turns of a feed as the scheduler's requests; those that arrive together and have one prompt become one request."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from or1_rollout.engines.transformers.kept_turns import KeptTurns
from or1_rollout.engines.transformers.rows import Row
from or1_rollout.engines.transformers.scheduler import Request
from or1_rollout.turns import Feed, TurnRequest
from or1_rollout.types import Completion, Prompt

CheckLength = Callable[[Sequence[int], int, str], None]
"""`check(prompt_ids, max_new_tokens, what)` raises where they do not fit the model."""


class TurnRequests:
    """A `Feed` as a `Scheduler` sees it. Fits `Incoming`; rows carry the key of their response as `sample`."""

    def __init__(
        self,
        feed: Feed,
        encode: Callable[[Prompt], list[int]],
        check: CheckLength,
        *,
        max_batch_tokens: int,
        kept_tokens: int = 0,
    ) -> None:
        self._feed, self._encode, self._check, self._max_batch_tokens = feed, encode, check, max_batch_tokens
        self._num_prompts = self._step = 0
        self.kept = KeptTurns(kept_tokens, lambda key: feed.is_over(key, self._step)) if kept_tokens else None

    def take(self, step: int, is_idle: bool) -> list[Request]:
        """What has arrived, shortest prompts first, so that little is padded."""
        self._step = step
        together: dict[tuple[int, ...], list[TurnRequest]] = {}
        for turn in self._feed.take(step, wait=is_idle):
            prompt = self._encode(turn.prompt)
            self._check(prompt, turn.max_new_tokens, f"the prompt of response {turn.key}")
            together.setdefault(tuple(prompt), []).append(turn)
        return [request for prompt in sorted(together, key=len) for request in self._parts(prompt, together[prompt])]

    def end(self, row: Row, completion: Completion, step: int) -> None:
        """Hand a row that has ended back."""
        self._feed.put(row.sample, completion, step)

    def _parts(self, prompt: Sequence[int], turns: Sequence[TurnRequest]) -> Iterator[Request]:
        """One request, or several where one is too large for a batch."""
        longest = max(turn.max_new_tokens for turn in turns)
        most = max(1, (self._max_batch_tokens - len(prompt)) // longest)
        for first in range(0, len(turns), most):
            rows = [
                Row(self._num_prompts, turn.key, turn.seed, turn.max_new_tokens) for turn in turns[first : first + most]
            ]
            self._num_prompts += 1
            yield Request(prompt, rows)
