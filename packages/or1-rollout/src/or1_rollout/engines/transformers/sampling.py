"""From logits and one uniform number per row to a token and its log-prob. Compiled as a part of `steps`.

Axes: N rows, V vocabulary.
"""

import torch
from torch import Tensor


def sample(logits_NV: Tensor, uniform_N: Tensor, temperature: float, top_p: float, top_k: int) -> tuple[Tensor, Tensor]:
    """Inverse-CDF sampling: the first token at which the cumulative probability exceeds the uniform number.

    Returns tokens int64 [N] and their log-probs [N] under softmax(logits / temperature), before top-p and top-k, as
    the trainer computes them. Temperature 0 takes the likeliest token and gives its log-prob at temperature 1.
    """
    if temperature == 0:
        logprobs_NV = logits_NV.log_softmax(-1)
        likeliest_N = logits_NV.argmax(-1)
        return likeliest_N, logprobs_NV.gather(1, likeliest_N[:, None]).squeeze(1)
    logprobs_NV = (logits_NV if temperature == 1 else logits_NV / temperature).log_softmax(-1)
    probs_NV = logprobs_NV.exp()
    if top_p < 1 or 0 < top_k < probs_NV.size(1):
        probs_NV = _nucleus(probs_NV, top_p, top_k)
    cumulative_NV = probs_NV.cumsum(-1, dtype=torch.float64)
    threshold_N1 = uniform_N[:, None] * cumulative_NV[:, -1:]
    # clamp: a uniform number of 1 - 2^-53 can round up to the whole mass
    tokens_N1 = torch.searchsorted(cumulative_NV, threshold_N1, right=True).clamp_(max=probs_NV.size(1) - 1)
    return tokens_N1.squeeze(1), logprobs_NV.gather(1, tokens_N1).squeeze(1)


def _nucleus(probs_NV: Tensor, top_p: float, top_k: int) -> Tensor:
    """Zero outside the `top_k` likeliest tokens and outside the smallest set that holds `top_p`."""
    ordered_NV, index_NV = probs_NV.sort(dim=-1, descending=True, stable=True)
    before_NV = ordered_NV.cumsum(-1, dtype=torch.float64) - ordered_NV
    kept_NV = before_NV < top_p
    if top_k > 0:
        kept_NV[:, top_k:] = False
    kept_NV[:, 0] = True
    return torch.zeros_like(probs_NV).scatter_(1, index_NV, ordered_NV * kept_NV)
