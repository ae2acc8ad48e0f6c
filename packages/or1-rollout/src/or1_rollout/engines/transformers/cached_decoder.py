"""Decoding of Qwen2, Qwen3 and Llama models over a cache that shares prompts.

Axes: N rows, P prompts, L positions of a prompt, H hidden size, h query heads, g key/value heads, D head size, T
columns of keys that a row attends to, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from or1_rollout.engines.transformers.kv_cache import PromptCache, ResponseCache
from or1_rollout.engines.transformers.layers import Shape, attention_inputs, feed_forward, rms_norm
from or1_rollout.engines.transformers.linear import linear
from or1_rollout.engines.transformers.rope import RotaryEmbedding, head_dim
from or1_rollout.engines.transformers.sampling import sample
from or1_rollout.engines.transformers.weights import DecoderWeights
from or1_rollout.types import SamplingParams

PREFILL_TOKENS = 4096
"""Prompt tokens, padding included, that are computed at a time: more would only take memory."""

WriteCache = Callable[[int, Tensor, Tensor], None]
"""Takes a layer's number and the keys and values [P, L, g, D]."""


class CachedDecoder:
    """A model of one of the three families. Fits `Decoder`."""

    takes_more_rows = True

    def __init__(self, config: Any, device: torch.device, dtype: torch.dtype) -> None:
        """Allocate the weights; their values are written through `named`."""
        self.weights = DecoderWeights(config, device, dtype)
        self.named, self.device, self.dtype = self.weights.named, device, dtype
        self.rotary = RotaryEmbedding(config, device, dtype)
        self.shape = Shape(
            heads=config.num_attention_heads,
            kv_heads=config.num_key_value_heads,
            head_dim=head_dim(config),
            eps=config.rms_norm_eps,
        )

    def new_batch(self, params: SamplingParams) -> CachedBatch:
        """See `Decoder.new_batch`."""
        return CachedBatch(self, params)

    def logits(self, prompt_ids: Sequence[int], response_ids: Sequence[int]) -> Tensor:
        """See `Decoder.logits`."""
        ids_1L = torch.tensor([[*prompt_ids, *response_ids]], device=self.device)
        hidden = self.prefill(ids_1L, lambda *_: None)[0, len(prompt_ids) - 1 : -1]
        return self.project(hidden)

    def project(self, hidden: Tensor) -> Tensor:
        """Final norm and output head: [..., H] -> [..., V]."""
        return linear(rms_norm(hidden, self.weights.norm, self.shape.eps), self.weights.head)

    def prefill(self, ids_PL: Tensor, write: WriteCache) -> Tensor:
        """Hidden states [P, L, H] of whole sequences, before the final norm; padding is on the right."""
        cos, sin = self.rotary(torch.arange(ids_PL.shape[1], device=self.device))
        hidden = F.embedding(ids_PL, self.weights.embedding)
        for index, layer in enumerate(self.weights.layers):
            queries, keys, values = attention_inputs(layer, hidden, cos, sin, self.shape)
            write(index, keys, values)
            context = F.scaled_dot_product_attention(
                queries.transpose(1, 2), keys.transpose(1, 2), values.transpose(1, 2), is_causal=True, enable_gqa=True
            )
            hidden = hidden + linear(context.transpose(1, 2).flatten(2), layer.out)
            hidden = hidden + feed_forward(layer, hidden, self.shape)
        return hidden


class CachedBatch:
    """Rows of a `CachedDecoder` in flight. Fits `Batch`."""

    def __init__(self, decoder: CachedDecoder, params: SamplingParams) -> None:
        self._decoder, self._params = decoder, params
        device, dtype, shape = decoder.device, decoder.dtype, decoder.shape
        self._wide = torch.float64 if dtype == torch.float64 else torch.float32
        self._prompts = PromptCache(len(decoder.weights.layers), shape, device, dtype)
        self._responses = ResponseCache(len(decoder.weights.layers), shape, device, dtype)
        self._prompt_of_row: list[int] = []
        self._start_N: list[int] = []
        """The column of each row's first token."""
        self._hidden_NH = torch.zeros(0, decoder.weights.embedding.shape[1], device=device, dtype=dtype)
        """Of the last token, before the final norm: what the next token is sampled from."""
        self._position_N = torch.zeros(0, dtype=torch.int64, device=device)
        """Of the next token."""
        self._bias_N1T = torch.zeros(0, device=device)
        """0 where a row may attend to, -inf elsewhere."""

    def admit(self, prompts: Sequence[Sequence[int]], counts: Sequence[int]) -> None:
        """See `Batch.admit`."""
        lengths, first = [len(prompt) for prompt in prompts], len(self._prompts.lengths)
        self._prompts.add(lengths)
        hidden_PH = torch.cat([self._prefill(first + start, part) for start, part in _parts(prompts)])
        device = self._decoder.device
        prompt_N = torch.repeat_interleave(torch.arange(len(prompts)), torch.tensor(counts)).to(device)
        self._hidden_NH = torch.cat([self._hidden_NH, hidden_PH[prompt_N]])
        self._position_N = torch.cat([self._position_N, torch.tensor(lengths, device=device)[prompt_N]])
        self._prompt_of_row += (prompt_N + first).tolist()
        self._start_N += [self._responses.column] * len(prompt_N)
        self._responses.grow(len(self._prompt_of_row))
        self._rows_changed()

    def draw(self, uniform_N: Tensor) -> tuple[Tensor, Tensor]:
        """See `Batch.draw`."""
        params, logits_NV = self._params, self._decoder.project(self._hidden_NH)
        uniform_N = uniform_N.to(logits_NV.device)
        tokens_N, logprobs_N = sample(logits_NV, uniform_N, params.temperature, params.top_p, params.top_k)
        return tokens_N.cpu(), logprobs_N.cpu()

    def keep(self, rows: Sequence[int]) -> None:
        """See `Batch.keep`."""
        self._responses.move(rows)
        index = torch.tensor(rows, device=self._decoder.device)
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
        decoder, responses = self._decoder, self._responses
        if responses.column == responses.end:
            responses.extend(len(tokens))
            self._set_bias()
        self._bias_N1T[:, :, self._prompts.columns + responses.column - responses.first] = 0
        cos, sin = decoder.rotary(self._position_N)
        hidden_NH = F.embedding(torch.tensor(tokens, device=decoder.device), decoder.weights.embedding)
        for index, layer in enumerate(decoder.weights.layers):
            queries, keys, values = attention_inputs(layer, hidden_NH, cos, sin, decoder.shape)
            responses.write(index, keys, values)
            hidden_NH = hidden_NH + linear(self._attend(index, queries), layer.out)
            hidden_NH = hidden_NH + feed_forward(layer, hidden_NH, decoder.shape)
        responses.column += 1
        self._hidden_NH, self._position_N = hidden_NH, self._position_N + 1

    def _attend(self, layer: int, queries: Tensor) -> Tensor:
        """Attention of one new token per row to its prompt and its response: [N, h, D] -> [N, h D]."""
        prompts, responses = self._prompts, self._responses
        parts = [prompts.scores(layer, queries), *responses.scores(layer, queries)]
        scores = torch.cat(parts, dim=-1).to(self._wide).mul_(self._decoder.shape.head_dim**-0.5).add_(self._bias_N1T)
        probs = scores.softmax(-1).to(queries.dtype)
        of_prompt, *of_blocks = probs.split([part.shape[-1] for part in parts], dim=-1)
        return prompts.combine(layer, of_prompt).add_(responses.combine(layer, of_blocks)).flatten(1)

    def _prefill(self, first: int, prompts: Sequence[Sequence[int]]) -> Tensor:
        """Compute prompts into the cache from place `first` on; hidden states [P, H] of their last tokens."""
        longest, device = max(map(len, prompts)), self._decoder.device
        ids_PL = torch.tensor([[*prompt, *[0] * (longest - len(prompt))] for prompt in prompts], device=device)
        hidden_PLH = self._decoder.prefill(
            ids_PL, lambda layer, keys, values: self._prompts.write(layer, first, keys, values)
        )
        last_P = torch.tensor([len(prompt) - 1 for prompt in prompts], device=device)
        return hidden_PLH[torch.arange(len(prompts), device=device), last_P]

    def _rows_changed(self) -> None:
        self._prompts.assign(self._prompt_of_row)
        self._set_bias()

    def _set_bias(self) -> None:
        device, responses = self._decoder.device, self._responses
        length_N1 = torch.tensor([self._prompts.lengths[prompt] for prompt in self._prompt_of_row])[:, None]
        column_L, column_B = torch.arange(self._prompts.columns), torch.arange(responses.first, responses.end)
        in_response = (column_B >= torch.tensor(self._start_N)[:, None]) & (column_B < responses.column)
        seen_NT = torch.cat([column_L < length_N1, in_response], dim=1)
        bias_NT = torch.zeros(seen_NT.shape, dtype=self._wide).masked_fill_(~seen_NT, float("-inf"))
        self._bias_N1T = bias_NT[:, None].to(device)


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
