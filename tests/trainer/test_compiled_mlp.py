"""The compiled feed-forward half against its formula in float64, differentiated by torch, and against the program."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from or1_rollout.mkl import HAS_MKL
from or1_trainer.policy import compiled
from or1_trainer.policy.compiled import mlp as compiled_mlp
from or1_trainer.policy.mlp import mlp_half

pytestmark = pytest.mark.skipif(not HAS_MKL, reason="this torch has no MKL")
EPS = 1e-5


def case(tokens, hidden, width, seed=0):
    torch.manual_seed(seed)
    weights = [1 + 0.3 * torch.randn(hidden), 0.5 * torch.randn(2 * width, hidden), 0.5 * torch.randn(hidden, width)]
    return torch.randn(tokens, hidden), weights, torch.randn(tokens, hidden)


def exact(hidden, weights, grad, *, residual):
    """Output and gradients by autograd, in float64; and the size of what was added up for each of them."""
    x, norm, gate_up, down = (tensor.double().requires_grad_() for tensor in (hidden, *weights))
    inverse = (x.square().mean(1, keepdim=True) + EPS).rsqrt().detach()
    normed = F.rms_norm(x, (x.shape[1],), norm, EPS)
    gate, up = F.linear(normed, gate_up).chunk(2, -1)
    output = F.linear(F.silu(gate) * up, down) + (x if residual else 0)
    grads = torch.autograd.grad(output, [x, norm, gate_up, down, normed], grad.double())
    # Along its own direction a norm passes nothing on: two large terms are subtracted, and their rounding stays.
    terms = grads[4] * norm * inverse
    return [output.detach(), *grads[:4]], [_largest(tensor) for tensor in (output, terms, *grads[1:4])]


def _largest(tensor):
    return max(1.0, float(tensor.detach().abs().max())) if tensor.numel() else 1.0


def assert_close(ours, theirs):
    for mine, other, scale in zip(ours, *theirs, strict=True):
        torch.testing.assert_close(mine.double(), other, rtol=1e-4, atol=2e-6 * scale)


def check(x, weights, grad, *, residual):
    """The compiled functions against the formula."""
    output, kept = compiled_mlp.forward(x, weights, EPS, residual=residual, keep=True)
    grads = compiled_mlp.backward(grad, x, weights, kept, residual=residual)
    assert_close([output, *grads], exact(x, weights, grad, residual=residual))


@given(st.sampled_from([0, 1, 5, 127, 128, 129, 300]), st.integers(1, 40), st.integers(1, 50), st.booleans())
def test_output_and_gradients(tokens, hidden, width, residual):
    check(*case(tokens, hidden, width), residual=residual)


def test_large_gates_neither_overflow_nor_vanish():
    x, weights, grad = case(9, 4, 3)
    weights[1] *= 1e3
    check(x, weights, grad, residual=False)


def test_without_gradients_only_one_block_is_in_memory():
    x, weights, _ = case(300, 8, 16)
    output, kept = compiled_mlp.forward(x, weights, EPS, residual=True, keep=False)
    assert kept[2].shape == (compiled_mlp.BLOCK, 32)
    assert torch.equal(output, compiled_mlp.forward(x, weights, EPS, residual=True, keep=True)[0])


@pytest.mark.parametrize("threads", [1, 2])
def test_the_half_takes_it_on_one_core_and_differentiates_the_same(threads, monkeypatch):
    monkeypatch.setattr(compiled, "NARROW", False)  # as where MKL multiplies fast
    used = []
    forward = compiled_mlp.forward
    monkeypatch.setattr(compiled_mlp, "forward", lambda *args, **options: used.append(1) or forward(*args, **options))
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        x, weights, grad = case(200, 12, 20)
        leaves = [tensor.requires_grad_() for tensor in (x, *weights)]
        output = mlp_half(x, *weights, EPS, residual=True)
        grads = torch.autograd.grad(output, leaves, grad.t().contiguous().t())  # a gradient that lies turned
    finally:
        torch.set_num_threads(before)
    theirs = exact(x.detach(), [weight.detach() for weight in weights], grad, residual=True)
    assert_close([output.detach(), *grads], theirs)
    assert len(used) == (threads == 1)
