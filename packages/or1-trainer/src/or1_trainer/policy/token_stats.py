"""Log-probability and exact full-vocabulary entropy of the response tokens, fused with the output projection.

No tensor of [tokens, vocabulary] exists beyond one chunk: the logits of `chunk_tokens` response tokens are built,
reduced to two numbers per token and dropped; the backward pass builds them again. The vocabulary stays sharded over
tensor ranks: per token only the maximum, the sum of exponentials, the label's logit and sum(exp * logit) cross the
network.

With z = logits / temperature, p = softmax(z), y the label:

    logprob = z_y - logsumexp(z)                 d logprob / d z_j = [j = y] - p_j
    entropy = logsumexp(z) - sum_j p_j z_j       d entropy / d z_j = -p_j (log p_j + entropy)

Axes: M response tokens, C of them in a chunk, V this rank's part of the vocabulary, H hidden.
"""

from dataclasses import dataclass
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

from or1_trainer.algorithm.packing import PackedBatch
from or1_trainer.policy.model import Policy
from or1_trainer.policy.products import wide_factor, wide_product


@dataclass(frozen=True)
class TokenStats:
    """Statistics of the response tokens, in the order of `labels_M`; the same on every tensor rank."""

    logprobs_M: Tensor
    """Log-probability of the label under softmax(logits / temperature), float32 (float64 for a float64 model)."""
    entropy_M: Tensor
    """Entropy of that softmax over the whole vocabulary, in nats; zeros without gradient if it was not asked for."""


def token_stats(
    policy: Policy, batch: PackedBatch, *, temperature: float = 1.0, chunk_tokens: int = 4096, with_entropy: bool = True
) -> TokenStats:
    """Run the policy on a micro-batch and return log-probs and entropies of its response tokens.

    Gradients are exact with respect to all weights, tied or not. Under `torch.no_grad()` nothing is kept for a backward
    pass. `temperature`, above 0, is what the logits are divided by, as when the tokens were sampled. The logits of
    `chunk_tokens` tokens exist at a time: chunk_tokens * vocabulary / tensor_size * 4 bytes, twice that in the backward
    pass. Without `with_entropy` the entropy's share of the work is saved.
    """
    if not temperature > 0 or chunk_tokens < 1:
        raise ValueError(f"temperature = {temperature} must be above 0 and chunk_tokens = {chunk_tokens} at least 1")
    hidden_MH = policy.response_hidden(batch)
    start, stop = policy.vocab_slice
    plan = _Plan(
        labels_M=batch.labels_M - start,
        vocab_rows=stop - start,
        temperature=temperature,
        chunk_tokens=chunk_tokens,
        with_entropy=with_entropy,
        group=policy.runtime.tensor_group if policy.runtime.tensor_size > 1 else None,
    )
    return TokenStats(*_FusedStats.apply(hidden_MH, policy.output_weight, plan))


@dataclass(frozen=True)
class _Plan:
    """What the forward and the backward pass need besides hidden states and weight."""

    labels_M: Tensor
    """Row of the label in this rank's weight; outside [0, vocab_rows) where another rank holds it."""
    vocab_rows: int
    """Rows that stand for tokens: the padding of the vocabulary takes no part in the softmax."""
    temperature: float
    chunk_tokens: int
    with_entropy: bool
    group: dist.ProcessGroup | None

    def chunks(self) -> list[slice]:
        starts = range(0, self.labels_M.numel(), self.chunk_tokens)
        return [slice(start, start + self.chunk_tokens) for start in starts]

    def local_labels(self, chunk: slice) -> tuple[Tensor, Tensor]:
        """Label rows of a chunk clamped into this rank's range, [C, 1], and whether they truly lie in it, [C, 1]."""
        labels_C1 = self.labels_M[chunk, None]
        is_here_C1 = (labels_C1 >= 0) & (labels_C1 < self.vocab_rows)
        return labels_C1.clamp(0, max(self.vocab_rows - 1, 0)), is_here_C1


class _FusedStats(torch.autograd.Function):
    """Log-probs and entropies from hidden states and the output weight, chunk by chunk in both passes."""

    @staticmethod
    def forward(ctx: Any, hidden_MH: Tensor, weight: Tensor, plan: _Plan) -> tuple[Tensor, Tensor]:
        wide = torch.promote_types(hidden_MH.dtype, torch.float32)
        logprobs_M = torch.empty(len(hidden_MH), dtype=wide, device=hidden_MH.device)
        entropy_M, logsumexp_M = torch.zeros_like(logprobs_M), torch.empty_like(logprobs_M)
        factor = wide_factor(weight[: plan.vocab_rows])  # in float32 on a CPU: converted once, not in every chunk
        for chunk in plan.chunks():
            stats = _chunk_stats(_logits(hidden_MH[chunk], factor, plan), plan, chunk)
            logprobs_M[chunk], entropy_M[chunk], logsumexp_M[chunk] = stats
        ctx.plan = plan
        ctx.save_for_backward(hidden_MH, weight, entropy_M, logsumexp_M)
        if not plan.with_entropy:
            ctx.mark_non_differentiable(entropy_M)
        return logprobs_M, entropy_M

    @staticmethod
    def backward(ctx: Any, grad_logprobs_M: Tensor, grad_entropy_M: Tensor) -> tuple[Tensor, Tensor, None]:
        plan: _Plan = ctx.plan
        hidden_MH, weight, entropy_M, logsumexp_M = ctx.saved_tensors
        grad_hidden_MH = torch.empty(hidden_MH.shape, dtype=logsumexp_M.dtype, device=hidden_MH.device)
        grad_weight_VH = torch.zeros(weight.shape, dtype=logsumexp_M.dtype, device=weight.device)
        rows, total_VH = weight[: plan.vocab_rows], grad_weight_VH[: plan.vocab_rows]
        factor = wide_factor(rows)
        for chunk in plan.chunks():
            grad_entropy = (grad_entropy_M[chunk, None], entropy_M[chunk, None]) if plan.with_entropy else None
            grad_CV = _logit_grad(
                _logits(hidden_MH[chunk], factor, plan).sub_(logsumexp_M[chunk, None]),
                grad_logprobs_M[chunk, None],
                grad_entropy,
                plan.local_labels(chunk),
            )
            grad_CV = (grad_CV if plan.temperature == 1.0 else grad_CV.div_(plan.temperature)).to(weight.dtype)
            grad_hidden_MH[chunk] = grad_CV @ rows
            if grad_CV.dtype == total_VH.dtype:
                total_VH.addmm_(grad_CV.t(), hidden_MH[chunk])
            else:
                total_VH.add_(grad_CV.t() @ hidden_MH[chunk])
            del grad_CV  # before the next chunk's logits
        if plan.group is not None:
            dist.all_reduce(grad_hidden_MH, group=plan.group)  # every rank saw only its part of the vocabulary
        return grad_hidden_MH.to(hidden_MH.dtype), grad_weight_VH.to(weight.dtype), None


def _logits(hidden_CH: Tensor, factor_VH: Tensor, plan: _Plan) -> Tensor:
    """Logits over temperature of this rank's tokens, [C, V], float32 or float64."""
    logits_CV = wide_product(hidden_CH, factor_VH.t())
    return logits_CV if plan.temperature == 1.0 else logits_CV.div_(plan.temperature)


def _chunk_stats(logits_CV: Tensor, plan: _Plan, chunk: slice) -> tuple[Tensor, Tensor, Tensor]:
    """Log-prob, entropy and logsumexp of a chunk, each [C]; destroys the logits."""
    if plan.vocab_rows:
        peak_C1 = logits_CV.amax(1, keepdim=True)
    else:  # a rank that holds nothing but vocabulary padding
        peak_C1 = logits_CV.new_full((logits_CV.shape[0], 1), float("-inf"))
    if plan.group is not None:
        dist.all_reduce(peak_C1, op=dist.ReduceOp.MAX, group=plan.group)
    shifted_CV = logits_CV.sub_(peak_C1)
    sums_3C = _label_logit_and_sums(shifted_CV, plan, chunk)
    if plan.group is not None:
        dist.all_reduce(sums_3C, group=plan.group)
    label_C, total_C, weighted_C = sums_3C.unbind()
    log_total_C = total_C.log()
    entropy_C = log_total_C - weighted_C / total_C if plan.with_entropy else torch.zeros_like(total_C)
    return label_C - log_total_C, entropy_C, log_total_C + peak_C1.squeeze(1)


def _label_logit_and_sums(shifted_CV: Tensor, plan: _Plan, chunk: slice) -> Tensor:
    """This rank's share of the label's logit, sum exp and sum exp * logit, [3, C]; all logits relative to the peak."""
    if not plan.vocab_rows:
        return shifted_CV.new_zeros(3, shifted_CV.shape[0])
    labels_C1, is_here_C1 = plan.local_labels(chunk)
    label_C = shifted_CV.gather(1, labels_C1).masked_fill_(~is_here_C1, 0.0).squeeze(1)
    exp_CV = shifted_CV.exp()
    total_C = exp_CV.sum(1)
    weighted_C = exp_CV.mul_(shifted_CV).sum(1) if plan.with_entropy else torch.zeros_like(total_C)
    return torch.stack((label_C, total_C, weighted_C))


def _logit_grad(
    log_p_CV: Tensor,
    grad_logprobs_C1: Tensor,
    grad_entropy: tuple[Tensor, Tensor] | None,
    labels: tuple[Tensor, Tensor],
) -> Tensor:
    """Gradient of the loss with respect to this rank's logits / temperature, [C, V]; destroys the log-probabilities."""
    p_CV = log_p_CV.exp()
    if grad_entropy is None:
        grad_CV = p_CV.mul_(-grad_logprobs_C1)
    else:
        grad_entropy_C1, entropy_C1 = grad_entropy
        factor_CV = log_p_CV.mul_(grad_entropy_C1).add_(grad_entropy_C1 * entropy_C1 + grad_logprobs_C1)
        grad_CV = p_CV.mul_(factor_CV).neg_()
    labels_C1, is_here_C1 = labels
    if grad_CV.shape[1]:
        grad_CV.scatter_add_(1, labels_C1, grad_logprobs_C1 * is_here_C1)
    return grad_CV
