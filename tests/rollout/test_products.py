"""Products through oneDNN equal those in float64, whatever their sizes and strides, also inside of programs."""

import subprocess
import sys

import pytest
import torch

from or1_rollout import products
from or1_rollout.products import AGAIN, ONCE, _onednn_add_product, _onednn_linear, _onednn_linear_onto, linear
from or1_rollout.programs import program

pytestmark = pytest.mark.skipif(not torch.backends.mkldnn.is_available(), reason="this torch has no oneDNN")
SMALL, LARGE = (3, 8, 5), (257, 128, 96)


@pytest.mark.parametrize("sizes", [SMALL, LARGE])
@pytest.mark.parametrize("with_bias", [True, False])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_linear_layer(sizes, with_bias, dtype):
    rows, width, outputs = sizes
    x, weight = torch.randn(rows, width, dtype=dtype), torch.randn(outputs, width, dtype=dtype)
    bias = torch.randn(outputs, dtype=dtype) if with_bias else None
    exact = x.double() @ weight.double().t() + (0 if bias is None else bias.double())
    for function in (_onednn_linear, program(_onednn_linear)):
        torch.testing.assert_close(function(x, weight, bias).double(), exact, rtol=1e-5, atol=1e-4)
        transposed = function(x.t().contiguous().t(), weight.t().contiguous().t(), bias)
        torch.testing.assert_close(transposed.double(), exact, rtol=1e-5, atol=1e-4)
        sliced = function(torch.cat([x, x], 1)[:, :width], torch.cat([weight, weight], 1)[:, :width], bias)
        torch.testing.assert_close(sliced.double(), exact, rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("sizes", [SMALL, LARGE])
def test_a_product_onto_something_leaves_that_as_it_was(sizes):
    rows, width, outputs = sizes
    x, weight, total = torch.randn(rows, width), torch.randn(outputs, width), torch.randn(rows, outputs)
    before, exact = total.clone(), total.double() + x.double() @ weight.double().t()
    for function in (_onednn_linear_onto, program(_onednn_linear_onto)):
        torch.testing.assert_close(function(total, x, weight).double(), exact, rtol=1e-5, atol=1e-4)
    assert torch.equal(total, before)


@pytest.mark.parametrize("sizes", [SMALL, LARGE])
def test_a_weight_gradient_is_added_in_place(sizes):
    rows, width, outputs = sizes
    x, grad, total = torch.randn(rows, width), torch.randn(rows, outputs), torch.randn(outputs, width)
    exact = total.double() + grad.double().t() @ x.double()
    assert _onednn_add_product(total, grad, x) is total
    torch.testing.assert_close(total.double(), exact, rtol=1e-5, atol=1e-4)


def test_products_go_through_onednn_where_they_are_worth_it():
    rows, width, outputs = LARGE
    assert AGAIN <= rows * width * outputs < ONCE
    for sizes, worth, expected in ((LARGE, AGAIN, True), (LARGE, ONCE, False), (SMALL, AGAIN, False)):
        with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as seen:
            _onednn_linear(torch.randn(sizes[0], sizes[1]), torch.randn(sizes[2], sizes[1]), None, worth)
        assert any("mkldnn" in event.key for event in seen.key_averages()) is expected


@pytest.mark.parametrize(
    ("cpu", "narrow"),
    [
        ("vendor_id\t: AuthenticAMD\nflags\t: avx2 avx512f", True),
        ("vendor_id\t: AuthenticAMD\nflags\t: avx2", False),
        ("vendor_id\t: GenuineIntel\nflags\t: avx2 avx512f", False),
    ],
)
def test_the_processor_decides(cpu, narrow, tmp_path, monkeypatch):
    info = tmp_path / "cpuinfo"
    info.write_text(cpu)
    monkeypatch.setattr(products, "Path", lambda _: info)
    assert products._mkl_is_narrow() is (narrow and torch.backends.mkl.is_available())
    assert linear in (_onednn_linear, products._torch_linear)


@pytest.mark.parametrize(
    ("before", "after"), [("", "1000"), ("import torch;", "None"), ("os.environ['GOMP_SPINCOUNT'] = '7';", "7")]
)
def test_openmp_spins_briefly_unless_torch_is_there_or_the_user_has_said_something(before, after, monkeypatch):
    monkeypatch.delenv("GOMP_SPINCOUNT", raising=False)
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    code = f"import os; {before} from or1_rollout.openmp import spin_briefly; spin_briefly()"
    done = subprocess.run(
        [sys.executable, "-c", code + "; print(os.environ.get('GOMP_SPINCOUNT'))"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == after
