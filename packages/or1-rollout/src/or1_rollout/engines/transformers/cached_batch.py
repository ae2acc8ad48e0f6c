"""Decoding of Qwen2, Qwen3 and Llama models, one token of each row at a time, over a cache that shares prompts.

Axes: N rows, P prompts, L positions of a prompt, H hidden size, h query heads, D head size, T columns of keys that a
row attends to.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from or1_rollout.engines.transformers.cached_model import CachedModel
from or1_rollout.engines.transformers.kept_turns import Prefix
from or1_rollout.engines.transformers.prefill import prefill
from or1_rollout.engines.transformers.prompt_cache import PromptCache
from or1_rollout.engines.transformers.response_cache import ResponseCache


class CachedDecoder(CachedModel):
    """A model of one of the three families. Fits `Decoder`."""

    is_continuous = True

    def new_batch(self, max_new_tokens: int) -> CachedBatch:
        """See `Decoder.new_batch`."""
        return CachedBatch(self, max_new_tokens)


class CachedBatch:
    """Rows of a `CachedModel` in flight. Fits `Batch`."""

    def __init__(self, model: CachedModel, max_new_tokens: int) -> None:
        self._model, self._max_new_tokens = model, max_new_tokens
        device, dtype, shape = model.device, model.dtype, model.shape
        self._prompts = PromptCache(len(model.layers), shape, device, dtype)
        self._responses = ResponseCache(len(model.layers), shape, device, dtype)
        self._prompt_of_row: list[int] = []
        self._start_N: list[int] = []
        """The column of each row's first token."""
        self._hidden_NH = torch.zeros(0, model.embedding.shape[1], device=device, dtype=dtype)
        """Of the last token, before the final norm: what the next token is sampled from."""
        self._position_N = torch.zeros(0, dtype=torch.int64, device=device)
        """Of the next token."""
        self._bias_N1T = torch.zeros(0, device=device)
        """0 where a row may attend to, -inf elsewhere."""

    def admit(self, prompts: Sequence[Sequence[int]], counts: Sequence[int], prefixes: Sequence[Prefix | None]) -> None:
        """See `Batch.admit`."""
        lengths, first = [len(prompt) for prompt in prompts], len(self._prompts.lengths)
        self._prompts.add(lengths)
        hidden_PH = prefill(self._model, self._prompts, first, prompts, prefixes)
        device = self._model.device
        prompt_N = torch.repeat_interleave(torch.arange(len(prompts)), torch.tensor(counts)).to(device)
        self._hidden_NH = torch.cat([self._hidden_NH, hidden_PH[prompt_N]])
        self._position_N = torch.cat([self._position_N, torch.tensor(lengths, device=device)[prompt_N]])
        self._prompt_of_row += (prompt_N + first).tolist()
        self._start_N += [self._responses.column] * len(prompt_N)
        self._responses.grow(len(self._prompt_of_row))
        self._rows_changed()

    def next_logits(self) -> Tensor:
        """See `Batch.next_logits`."""
        return self._model.project(self._hidden_NH)

    def keep(self, rows: Sequence[int]) -> None:
        """See `Batch.keep`."""
        self._responses.move(rows)
        index = torch.tensor(rows, device=self._model.device)
        self._hidden_NH, self._position_N = self._hidden_NH[index], self._position_N[index]
        self._prompt_of_row = [self._prompt_of_row[row] for row in rows]
        self._start_N = [self._start_N[row] for row in rows]
        used = sorted(set(self._prompt_of_row))
        if len(used) <= 0.75 * len(self._prompts.lengths):  # fewer gone are not worth the copy
            self._prompts.keep(used)
            self._prompt_of_row = [used.index(prompt) for prompt in self._prompt_of_row]
        self._responses.drop_before(min(self._start_N))
        self._rows_changed()

    def advance(self, tokens: Sequence[int]) -> None:
        """See `Batch.advance`."""
        responses = self._responses
        if responses.column == responses.end:
            responses.extend(len(tokens), max(self._start_N) + self._max_new_tokens - responses.column)
            self._set_bias()
        self._bias_N1T[:, :, self._prompts.columns + responses.column - responses.first] = 0
        ids_N = torch.tensor(tokens, device=self._model.device)
        self._hidden_NH = self._model.forward(ids_N, self._position_N, self._attend)
        self._position_N = self._position_N + 1
        responses.column += 1

    def prefix(self, row: int, token_ids: Sequence[int]) -> Prefix:
        """See `Batch.prefix`."""
        prompt, start = self._prompt_of_row[row], self._start_N[row]
        of_response = self._responses.read(row, start, start + len(token_ids) - self._prompts.lengths[prompt])
        keys, values = zip(self._prompts.read_prefix(prompt), *of_response, strict=True)
        return Prefix(token_ids, torch.cat(keys, dim=3), torch.cat(values, dim=2))

    def _attend(self, layer: int, queries: Tensor, keys: Tensor, values: Tensor) -> Tensor:
        """Attention of one new token per row to its prompt and its response; fits `Attend`."""
        prompts, responses = self._prompts, self._responses
        responses.write(layer, keys, values)
        parts = [prompts.scores(layer, queries), *responses.scores(layer, queries)]
        scores = torch.add(self._bias_N1T, torch.cat(parts, dim=-1), alpha=self._model.shape.head_dim**-0.5)
        probs = scores.softmax(-1).to(queries.dtype)
        of_prompt, *of_blocks = probs.split([part.shape[-1] for part in parts], dim=-1)
        return prompts.combine(layer, of_prompt).add_(responses.combine(layer, of_blocks))

    def _rows_changed(self) -> None:
        self._prompts.assign(self._prompt_of_row)
        self._set_bias()

    def _set_bias(self) -> None:
        device, responses = self._model.device, self._responses
        length_N1 = torch.tensor([self._prompts.lengths[prompt] for prompt in self._prompt_of_row])[:, None]
        column_L, column_B = torch.arange(self._prompts.columns), torch.arange(responses.first, responses.end)
        in_response = (column_B >= torch.tensor(self._start_N)[:, None]) & (column_B < responses.column)
        seen_NT = torch.cat([column_L < length_N1, in_response], dim=1)
        wide = torch.promote_types(self._model.dtype, torch.float32)
        bias_NT = torch.zeros(seen_NT.shape, dtype=wide).masked_fill_(~seen_NT, float("-inf"))
        self._bias_N1T = bias_NT[:, None].to(device)
