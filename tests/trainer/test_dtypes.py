"""`model.dtype = "auto"` follows the processor."""

import pytest
import torch

from or1_trainer.config.load import resolve
from or1_trainer.dtypes import with_dtype

STAGES = [{"steps": 1, "context_tokens": 8, "prompts": 2, "group": 2}]


@pytest.mark.skipif(torch.cuda.is_available(), reason="CUDA always takes bfloat16")
@pytest.mark.parametrize(
    ("flags", "dtype"),
    [
        ("vendor_id\t: AuthenticAMD\nflags\t\t: fpu avx2 avx512f avx512_bf16", "bfloat16"),
        ("vendor_id\t: GenuineIntel\nflags\t\t: fpu avx2 avx512f avx512_bf16", "float32"),
        ("vendor_id\t: GenuineIntel\nflags\t\t: fpu avx512f avx512_bf16 amx_bf16 amx_tile", "bfloat16"),
        ("vendor_id\t: AuthenticAMD\nflags\t\t: fpu avx2 avx512f", "float32"),
        ("Features\t: fp asimd bf16", "bfloat16"),
        ("Features\t: fp asimd", "float32"),
    ],
)
def test_bfloat16_only_where_the_processor_multiplies_it_faster(flags, dtype, tmp_path):
    info = tmp_path / "cpuinfo"
    info.write_text(f"processor\t: 0\nmodel name\t: x\n{flags}\n")
    config = resolve({"name": "x", "model": {"dtype": "auto"}, "stages": STAGES})
    assert with_dtype(config, info).model.dtype == dtype
    assert with_dtype(config, tmp_path / "none").model.dtype == "float32"


def test_a_dtype_that_was_chosen_stays(tmp_path):
    config = resolve({"name": "x", "model": {"dtype": "float64"}, "stages": STAGES})
    assert with_dtype(config, tmp_path / "none") == config
