"""Sampling of tokens from logits by inverse transform: one uniform number per row decides the token.

Axes: N rows, V vocabulary, C chunks of the vocabulary, K tokens of a chunk.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

CHUNK_TOKENS = 128
"""K: probabilities are added up chunk by chunk, and only the chunk that holds the token is looked at one by one."""

BLOCK_ELEMENTS = 2**19
"""Logits that are handled at a time on a CPU, so that they stay in its cache."""


def sample(logits_NV: Tensor, uniform_N: Tensor, temperature: float, top_p: float, top_k: int) -> tuple[Tensor, Tensor]:
    """The first token at which the cumulative probability exceeds the uniform number (float64).

    Returns tokens int64 [N] and their log-probs float64 [N] under softmax(logits / temperature), before top-p and
    top-k, as the trainer computes them. Temperature 0 takes the likeliest token and gives its log-prob at temperature
    1. The log-prob of a row whose logits are not numbers is NaN.
    """
    rows = max(1, BLOCK_ELEMENTS // logits_NV.shape[1]) if logits_NV.is_cpu else len(logits_NV)
    blocks = zip(logits_NV.split(rows), uniform_N.split(rows), strict=True)
    drawn = [_sample(logits, uniform, temperature, top_p, top_k) for logits, uniform in blocks]
    tokens, logprobs = zip(*drawn, strict=True)
    return torch.cat(tokens), torch.cat(logprobs)


def _sample(
    logits_NV: Tensor, uniform_N: Tensor, temperature: float, top_p: float, top_k: int
) -> tuple[Tensor, Tensor]:
    logits_NV = logits_NV.to(torch.promote_types(logits_NV.dtype, torch.float32))
    if temperature not in (0.0, 1.0):
        logits_NV = logits_NV / temperature
    top_N1 = logits_NV.amax(-1, keepdim=True)
    weights_NV = (logits_NV - top_N1).exp_()
    mass_NC, chunks_NCK = _chunks(weights_NV)
    log_total_N = mass_NC.sum(-1).log() + top_N1.squeeze(1)
    if temperature == 0:
        tokens_N = logits_NV.argmax(-1)
    else:
        if top_p < 1 or 0 < top_k < weights_NV.shape[1]:
            mass_NC, chunks_NCK = _chunks(_nucleus(weights_NV / weights_NV.sum(-1, keepdim=True), top_p, top_k))
        tokens_N = _invert(mass_NC, chunks_NCK, uniform_N).clamp_(max=logits_NV.shape[1] - 1)
    return tokens_N, logits_NV.gather(1, tokens_N[:, None]).squeeze(1).double() - log_total_N


def _chunks(weights_NV: Tensor) -> tuple[Tensor, Tensor]:
    """The mass of every chunk in float64 [N, C], and the chunks [N, C, K]."""
    padding = -weights_NV.shape[1] % CHUNK_TOKENS
    padded = F.pad(weights_NV, (0, padding)) if padding else weights_NV
    chunks_NCK = padded.unflatten(-1, (-1, CHUNK_TOKENS))
    return chunks_NCK.sum(-1).double(), chunks_NCK


def _invert(mass_NC: Tensor, chunks_NCK: Tensor, uniform_N: Tensor) -> Tensor:
    """Tokens at which the cumulative mass first exceeds the share `uniform_N` of the whole mass."""
    cumulative_NC = mass_NC.cumsum(-1)
    target_N1 = uniform_N[:, None] * cumulative_NC[:, -1:]
    chunk_N1 = _first_above(cumulative_NC, target_N1)
    rest_N1 = target_N1 - (cumulative_NC.gather(1, chunk_N1) - mass_NC.gather(1, chunk_N1))
    index_N1K = chunk_N1[:, :, None].expand(-1, 1, chunks_NCK.shape[2])
    inside_NK = chunks_NCK.gather(1, index_N1K).squeeze(1).cumsum(-1, dtype=torch.float64)
    return (chunk_N1 * chunks_NCK.shape[2] + _first_above(inside_NK, rest_N1.clamp_(min=0))).squeeze(1)


def _first_above(cumulative_NC: Tensor, target_N1: Tensor) -> Tensor:
    """First place whose cumulative mass exceeds the target; never one without mass, however the sums were rounded."""
    total_N1 = cumulative_NC[:, -1:]
    below_total_N1 = torch.nextafter(total_N1, torch.zeros_like(total_N1))
    place_N1 = torch.searchsorted(cumulative_NC, torch.minimum(target_N1, below_total_N1), right=True)
    return place_N1.clamp_(max=cumulative_NC.shape[1] - 1)  # sums that are not numbers are above nothing


def _nucleus(probs_NV: Tensor, top_p: float, top_k: int) -> Tensor:
    """Zero outside the `top_k` likeliest tokens and outside the smallest set that holds `top_p`."""
    ordered_NV, index_NV = probs_NV.sort(dim=-1, descending=True, stable=True)
    before_NV = ordered_NV.cumsum(-1, dtype=torch.float64) - ordered_NV
    kept_NV = before_NV < top_p
    if top_k > 0:
        kept_NV[:, top_k:] = False
    kept_NV[:, 0] = True
    return torch.zeros_like(probs_NV).scatter_(1, index_NV, ordered_NV * kept_NV)
