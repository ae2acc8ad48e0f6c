"""Products with weights are the same whichever library computes them, and the maker of the processor picks it."""

import pytest
import torch

from or1_rollout.engines.transformers import linear as module
from or1_rollout.processor import is_intel


@pytest.mark.parametrize(("maker", "intel"), [("GenuineIntel", True), ("AuthenticAMD", False)])
def test_the_maker_is_read_from_the_processor_description(maker, intel, tmp_path):
    info = tmp_path / "cpuinfo"
    info.write_text(f"processor\t: 0\nvendor_id\t: {maker}\nmodel name\t: GenuineIntel in a name\n")
    assert is_intel(info) == intel


def test_without_a_description_the_maker_is_not_intel(tmp_path):
    assert not is_intel(tmp_path / "none")


@pytest.mark.parametrize("shape", [(64, 128, 256), (3, 5, 7), (96, 576, 3072)], ids=str)
@pytest.mark.parametrize("prefers_onednn", [True, False])
def test_both_libraries_give_the_exact_product_up_to_rounding(shape, prefers_onednn, monkeypatch):
    monkeypatch.setattr(module, "_PREFERS_ONEDNN", prefers_onednn)
    rows, inner, outer = shape
    x, weight, bias = torch.randn(rows, inner), torch.randn(outer, inner), torch.randn(outer)
    exact = x.double() @ weight.double().T + bias.double()
    torch.testing.assert_close(module.linear(x, weight, bias).double(), exact, rtol=1e-4, atol=1e-3)
