"""Compiled decoding against the same decoding through torch, and the routines it is made of against numpy."""

import _thread
import os
import subprocess
import sys
import threading
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from llvmlite.binding import ffi
from transformers import LlamaConfig, Qwen2Config, Qwen3Config

from or1_rollout import SamplingParams, mkl, products
from or1_rollout.compiled import _cache_folder, call, compiled
from or1_rollout.engines.transformers import fused_decoder
from or1_rollout.engines.transformers.fused_decoder import FusedDecoder
from or1_rollout.engines.transformers.weights import FusedWeights

pytestmark = pytest.mark.skipif(not mkl.HAS_MKL, reason="this torch has no MKL")
SIZES = st.integers(1, 40)
SHAPE = {
    "vocab_size": 43, "hidden_size": 24, "intermediate_size": 56, "num_hidden_layers": 3, "num_attention_heads": 6,
    "num_key_value_heads": 2, "max_position_embeddings": 128,
}  # fmt: skip
CONFIGS = {
    "qwen2": Qwen2Config(**SHAPE, tie_word_embeddings=True),
    "qwen3": Qwen3Config(**SHAPE, head_dim=16, tie_word_embeddings=False),
    "llama": LlamaConfig(**SHAPE, tie_word_embeddings=False),
}
PROMPTS = [[3, 4, 5, 6, 7], [8], [9, 10, 11]]


def floats(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape, dtype=np.float32)


@given(SIZES, SIZES, SIZES, st.sampled_from([0.0, 1.0]), st.booleans())
def test_a_product(rows, inner, columns, keep, turned):
    left, right, out = floats(rows, inner), floats(inner, columns, seed=1), floats(rows, columns, seed=2)
    exact = left.astype(np.float64) @ right + keep * out
    mkl.multiply(left, np.ascontiguousarray(right.T) if turned else right, out, keep, turned)
    np.testing.assert_allclose(out, exact, rtol=1e-4, atol=1e-4)


@given(st.integers(1, 9), SIZES, SIZES, SIZES)
def test_products_of_matrices_that_lie_apart(count, rows, inner, columns):
    left, right = floats(count, rows, inner + 3), floats(count, inner, columns + 2, seed=1)
    out = np.full((count, rows, columns + 5), 7, np.float32)
    places = np.array(
        [[part.ctypes.data for part in parts] for parts in (left[:, :, 1:], right[:, :, 2:], out[:, :, 3:])]
    )
    mkl.multiply_each(places, rows, inner, columns, inner + 3, columns + 2, columns + 5)
    exact = left[:, :, 1 : inner + 1].astype(np.float64) @ right[:, :, 2:]
    np.testing.assert_allclose(out[:, :, 3 : columns + 3], exact, rtol=1e-4, atol=1e-4)
    assert (out[:, :, :3] == 7).all() and (out[:, :, columns + 3 :] == 7).all()


def test_exponentials_of_the_first_elements():
    values = np.array([0, 1, -np.inf, -1000, 88, 3], np.float32)
    mkl.exponentials(values, 5)
    np.testing.assert_allclose(values, [1, np.e, 0, 0, np.exp(88.0), 3], rtol=1e-6)


def decoders(family):
    torch.manual_seed(0)
    weights = FusedWeights(CONFIGS[family], torch.device("cpu"), torch.float32)
    weights.write((name, 0.5 * torch.randn(place.shape)) for name, place in weights.places.items())
    compiled = FusedDecoder(CONFIGS[family], weights, torch.device("cpu"), torch.float32)
    through_torch = FusedDecoder(CONFIGS[family], weights, torch.device("cpu"), torch.float32)
    through_torch._with_compiled = None
    return compiled, through_torch


@pytest.mark.parametrize("temperature", [0.0, 0.7, 1.0])
@pytest.mark.parametrize("family", CONFIGS)
@torch.inference_mode()
def test_decoding_is_that_through_torch(family, temperature):
    params = SamplingParams(n=4, max_new_tokens=20, temperature=temperature)
    compiled, through_torch = (decoder.start(PROMPTS, [4, 1, 2], params) for decoder in decoders(family))
    assert compiled._decode is not through_torch._decode
    drawn = 0
    for rows, kept in ((7, [0, 3, 4, 6]), (4, [1, 2]), (2, [0, 1])):  # there is room for 20 tokens, not for 24
        uniform_NT = torch.rand(rows, 8, dtype=torch.float64)
        (tokens, logprobs), (expected, expected_logprobs) = compiled.draw(uniform_NT), through_torch.draw(uniform_NT)
        assert tokens.tolist() == expected.tolist() and len(set(tokens.flatten().tolist())) > 2
        drawn += tokens.shape[1]
        torch.testing.assert_close(logprobs, expected_logprobs, rtol=1e-4, atol=1e-4)
        compiled.keep(torch.tensor(kept))
        through_torch.keep(torch.tensor(kept))
    assert drawn == 20


def test_what_compiled_decoding_cannot_do_goes_through_torch(monkeypatch):
    decoder, _ = decoders("qwen2")
    ways = {decoder._with_compiled: "compiled", decoder._with_torch: "torch"}

    def way(rows=2, **sampling):
        return ways[decoder.start(PROMPTS[:1], [rows], SamplingParams(max_new_tokens=4, **sampling))._decode]

    assert [way(), way(top_p=0.9), way(top_k=5)] == ["compiled", "torch", "torch"]
    monkeypatch.setattr(products, "NARROW", True)  # a processor on which oneDNN multiplies faster
    assert [way(), way(rows=products.AGAIN // (2 * 56 * 24) + 1)] == ["compiled", "torch"]
    double = FusedWeights(CONFIGS["qwen2"], torch.device("cpu"), torch.float64)
    assert FusedDecoder(CONFIGS["qwen2"], double, torch.device("cpu"), torch.float64)._with_compiled is None
    monkeypatch.setattr(fused_decoder, "HAS_MKL", False)
    assert FusedDecoder(CONFIGS["qwen2"], decoder.weights, torch.device("cpu"), torch.float32)._with_compiled is None


def test_llvmlites_library_does_not_answer_to_every_name():
    assert not hasattr(ffi.lib, "__dict__")  # vLLM 0.32 asks for it and takes what it gets for a dictionary
    assert ffi.lib.LLVMPY_GetVersionInfo() > 0


def test_the_cache_belongs_to_the_sources_as_they_are(tmp_path, monkeypatch):
    package = tmp_path / "someones"
    package.mkdir()
    (package / "__init__.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("OR1_CACHE", str(tmp_path / "cache"))
    folders = []
    for source in ("x = 1", "x = 2", "x = 1"):
        (package / "other.py").write_text(source)
        folders.append(_cache_folder.__wrapped__("someones"))
    assert folders[0] == folders[2] != folders[1] and all(folder.is_dir() for folder in folders)


def test_on_a_full_disk_nothing_is_kept(tmp_path, monkeypatch):
    monkeypatch.setenv("OR1_CACHE", str(tmp_path / "cache"))
    assert _cache_folder.__wrapped__("or1_rollout") is not None
    monkeypatch.setattr("shutil.disk_usage", lambda path: SimpleNamespace(free=10**7))
    assert _cache_folder.__wrapped__("or1_rollout") is None


def test_without_a_cache_folder_functions_are_compiled_all_the_same(tmp_path):
    (tmp_path / "a_file").write_text("")
    program = (
        "import numpy as np; from or1_rollout import compiled; assert compiled._cache_folder('or1_rollout') is None;"
        "print(compiled.room(2, 3).shape)"
    )
    environment = {**os.environ, "OR1_CACHE": str(tmp_path / "a_file")}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True)
    assert done.stdout == "(2, 3)\n", done.stderr


@compiled
def count_long(values, rounds):
    total = 0.0
    for _ in range(rounds):
        for index in range(values.size):
            total += values[index]
    return values + total, values


def test_ctrl_c_in_compiled_code_is_an_interrupt():
    values = np.ones(1000)
    call(count_long, values, 1)
    timer = threading.Timer(0.02, _thread.interrupt_main)
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        for _ in range(10**6):
            call(count_long, values, 10_000)
    timer.join()
