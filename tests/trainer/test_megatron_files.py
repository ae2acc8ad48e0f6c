"""Weights, exports, checkpoints and the optimizer in one process; damage, full disks and interruptions included."""

import errno
import json
import math
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM

from or1_trainer.config.schema import OptimizerSettings
from or1_trainer.policy.checkpoint import files, sharded, tensors
from or1_trainer.policy.checkpoint.sharded import load_sharded, save_sharded
from or1_trainer.policy.errors import CheckpointError, WeightError
from or1_trainer.policy.hf_weights import export
from or1_trainer.policy.hf_weights.export import save_hf
from or1_trainer.policy.hf_weights.weights import PolicyWeights, init_weights, load_hf_weights
from or1_trainer.policy.model import build_policy
from or1_trainer.policy.optimizer.build import build_optimizer
from or1_trainer.policy.token_stats import token_stats

sys.path.append(str(Path(__file__).parent / "megatron_workers"))

from megatron_cases import CONFIGS, hf_logits, hf_model, pack, plain_stats, random_sequences, weighted_loss


@pytest.fixture
def policy(runtime):
    built = build_policy(CONFIGS["qwen2-tied"](), runtime)
    init_weights(built, seed=2)
    return built


BATCH = pack(*random_sequences([17, 40, 3]))


def _train(policy, optimizer, steps=1, rate=1e-2):
    norms = []
    for _ in range(steps):
        optimizer.zero_grad()
        stats = token_stats(policy, BATCH)
        weighted_loss(stats.logprobs_M, stats.entropy_M).backward()
        norms.append(optimizer.step(rate))
    return norms


@pytest.mark.parametrize("name", CONFIGS)
def test_export_loads_in_transformers_with_equal_logits(name, runtime, tmp_path, monkeypatch):
    reference = hf_model(name, torch.float32)
    policy = build_policy(reference.config, runtime)
    load_hf_weights(policy, reference.state_dict())
    if name == "qwen3":
        monkeypatch.setattr(export, "SHARD_BYTES", 10_000)
    save_hf(policy, tmp_path / "model")
    assert (len(list((tmp_path / "model").glob("*.safetensors"))) > 1) == (name == "qwen3")
    loaded = AutoModelForCausalLM.from_pretrained(tmp_path / "model", dtype=torch.float32).eval()
    state = reference.state_dict()
    assert all(torch.equal(tensor, state[key]) for key, tensor in loaded.state_dict().items())
    with torch.no_grad():
        assert torch.equal(hf_logits(loaded, BATCH), hf_logits(reference, BATCH))
    again = build_policy(reference.config, runtime)
    load_hf_weights(again, tmp_path / "model")
    assert all(torch.equal(tensor, state[key]) for key, tensor in PolicyWeights(again))


def test_weights_follow_their_parameters_to_other_memory(policy):
    stream = PolicyWeights(policy)
    before = {name: tensor.clone() for name, tensor in stream}
    for parameter in policy.model.parameters():
        parameter.data = 2 * parameter.data
    assert all(torch.equal(tensor, 2 * before[name]) for name, tensor in stream)
    with torch.no_grad():
        next(policy.model.parameters()).add_(1)
    name = "model.embed_tokens.weight"
    assert torch.equal(dict(stream)[name], 2 * before[name] + 1)


def test_weights_that_do_not_fit_are_said(policy, tmp_path):
    weights = {name: tensor.clone() for name, tensor in PolicyWeights(policy)}
    load_hf_weights(policy, {**weights, "lm_head.weight": weights["model.embed_tokens.weight"]})
    missing = {name: tensor for name, tensor in weights.items() if name != "model.norm.weight"}
    with pytest.raises(WeightError, match=r"lack model\.norm\.weight"):
        load_hf_weights(policy, missing)
    with pytest.raises(WeightError, match=r"unknown model\.extra"):
        load_hf_weights(policy, {**weights, "model.extra": torch.zeros(1)})
    with pytest.raises(WeightError, match=r"shape \[31\] in the weights but \[32\]"):
        load_hf_weights(policy, {**weights, "model.norm.weight": torch.zeros(31)})
    with pytest.raises(WeightError, match="holds neither"):
        load_hf_weights(policy, tmp_path)
    save_file(weights, tmp_path / "model.safetensors")
    content = (tmp_path / "model.safetensors").read_bytes()
    (tmp_path / "model.safetensors").write_bytes(content[: len(content) // 2])
    with pytest.raises(WeightError, match="incomplete"):
        load_hf_weights(policy, tmp_path)


def test_a_full_disk_during_export_leaves_the_old_folder(policy, tmp_path, monkeypatch):
    save_hf(policy, tmp_path / "model")
    before = load_file(tmp_path / "model" / "model.safetensors")

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    with torch.no_grad():
        for parameter in policy.model.parameters():
            parameter.add_(1.0)
    monkeypatch.setattr(export, "save_file", full)
    with pytest.raises(CheckpointError, match="No space left on device"):
        save_hf(policy, tmp_path / "model")
    monkeypatch.undo()
    after = load_file(tmp_path / "model" / "model.safetensors")
    assert all(torch.equal(tensor, after[name]) for name, tensor in before.items())


def test_checkpoint_gives_back_every_bit_and_the_steps_that_follow(policy, runtime, tmp_path):
    optimizer = build_optimizer(policy, OptimizerSettings())
    _train(policy, optimizer, 3)
    save_sharded(tmp_path / "step-3", policy, optimizer)
    twin = build_policy(CONFIGS["qwen2-tied"](), runtime)
    twin_optimizer = build_optimizer(twin, OptimizerSettings())
    load_sharded(tmp_path / "step-3", twin, twin_optimizer)
    assert _train(policy, optimizer, 3) == _train(twin, twin_optimizer, 3)
    assert all(torch.equal(a, b) for a, b in zip(policy.model.parameters(), twin.model.parameters(), strict=True))
    weights_only = build_policy(CONFIGS["qwen2-tied"](), runtime)
    load_sharded(tmp_path / "step-3", weights_only, None)
    load_sharded(tmp_path / "step-3", twin, None)
    assert all(torch.equal(a, b) for a, b in zip(weights_only.model.parameters(), twin.model.parameters(), strict=True))


def test_a_damaged_checkpoint_is_detected(policy, runtime, tmp_path):
    optimizer = build_optimizer(policy, OptimizerSettings())
    save_sharded(tmp_path / "good", policy, optimizer)
    written = [path.relative_to(tmp_path / "good") for path in (tmp_path / "good").rglob("*") if path.is_file()]
    for name in (path for path in written if path.name != sharded.MANIFEST):
        save_sharded(tmp_path / "bad", policy, optimizer)
        content = bytearray((tmp_path / "bad" / name).read_bytes())
        content[len(content) // 2] ^= 1
        (tmp_path / "bad" / name).write_bytes(content)
        with pytest.raises(CheckpointError, match="damaged"):
            load_sharded(tmp_path / "bad", policy, optimizer)
        (tmp_path / "bad" / name).unlink()
        with pytest.raises(CheckpointError, match="damaged"):
            load_sharded(tmp_path / "bad", policy, optimizer)
    (tmp_path / "bad" / sharded.MANIFEST).unlink()
    with pytest.raises(CheckpointError, match="not a complete checkpoint"):
        load_sharded(tmp_path / "bad", policy, optimizer)
    load_sharded(tmp_path / "good", policy, optimizer)


def test_a_checkpoint_of_another_model_or_device_is_refused(policy, runtime, tmp_path):
    optimizer = build_optimizer(policy, OptimizerSettings())
    save_sharded(tmp_path / "one", policy, optimizer)
    other = build_policy(CONFIGS["qwen2-untied"](), runtime)
    with pytest.raises(CheckpointError, match="does not fit this model"):
        load_sharded(tmp_path / "one", other, None)
    written = tmp_path / "one" / sharded.MANIFEST
    written.write_text(json.dumps({**json.loads(written.read_text()), "device": "cuda"}))
    with pytest.raises(CheckpointError, match="written on cuda"):
        load_sharded(tmp_path / "one", policy, optimizer)
    load_sharded(tmp_path / "one", policy, None)  # weights are read on any device


@pytest.mark.parametrize("moment", ["before the files", "after the files", "before the rename"])
def test_an_interrupted_save_leaves_the_old_checkpoint(moment, policy, runtime, tmp_path, monkeypatch):
    optimizer = build_optimizer(policy, OptimizerSettings())
    save_sharded(tmp_path / "latest", policy, optimizer)
    saved = [parameter.clone() for parameter in policy.model.parameters()]
    _train(policy, optimizer)

    def interrupted(*_, **__):
        raise KeyboardInterrupt

    target = {"before the files": (tensors.dcp, "save"), "after the files": (sharded, "_digests")}
    monkeypatch.setattr(*target.get(moment, (sharded, "finish_folder")), interrupted)
    with pytest.raises(KeyboardInterrupt):
        save_sharded(tmp_path / "latest", policy, optimizer)
    monkeypatch.undo()
    trained = [parameter.clone() for parameter in policy.model.parameters()]
    load_sharded(tmp_path / "latest", policy, optimizer)
    assert all(torch.equal(a, b) for a, b in zip(policy.model.parameters(), saved, strict=True))
    with torch.no_grad():
        for parameter, value in zip(policy.model.parameters(), trained, strict=True):
            parameter.copy_(value)
    save_sharded(tmp_path / "latest", policy, optimizer)  # over what the interruption left behind
    load_sharded(tmp_path / "latest", policy, optimizer)
    assert all(torch.equal(a, b) for a, b in zip(policy.model.parameters(), trained, strict=True))
    assert [path.name for path in tmp_path.iterdir()] == ["latest"]


def test_a_full_disk_during_a_checkpoint_is_said(policy, runtime, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(files.Path, "rename", full)
    with pytest.raises(CheckpointError, match="No space left on device"):
        save_sharded(tmp_path / "latest", policy, None)
    blocked = tmp_path / "file"
    blocked.write_text("")
    monkeypatch.undo()
    with pytest.raises(CheckpointError, match="cannot write"):
        save_sharded(blocked / "inside", policy, None)


def test_optimizer_steps_equal_torch(runtime):
    reference = hf_model("qwen2-untied", torch.float64)
    policy = build_policy(reference.config, runtime, dtype=torch.float64)
    load_hf_weights(policy, reference.state_dict())
    settings = OptimizerSettings(beta1=0.8, beta2=0.99, weight_decay=0.2, eps=1e-6, max_grad_norm=0.1)
    optimizer = build_optimizer(policy, settings)
    named = list(reference.named_parameters())
    groups = [
        {"params": [p for _, p in named if p.dim() > 1], "weight_decay": 0.2},
        {"params": [p for _, p in named if p.dim() == 1], "weight_decay": 0.0},
    ]
    adamw = torch.optim.AdamW(groups, betas=(0.8, 0.99), eps=1e-6)
    for rate in (5e-3, 1e-2, 2e-3):
        reference.zero_grad()
        weighted_loss(*plain_stats(hf_logits(reference, BATCH), BATCH, 1.0)).backward()
        expected_norm = torch.nn.utils.clip_grad_norm_(reference.parameters(), 0.1)
        for group in adamw.param_groups:
            group["lr"] = rate
        adamw.step()
        (norm,) = _train(policy, optimizer, rate=rate)
        assert norm == pytest.approx(float(expected_norm), rel=1e-9)
        assert norm > 0.1, "the clip must be at work"
    weights = dict(PolicyWeights(policy))
    assert all(torch.allclose(weights[name], parameter, rtol=0, atol=1e-9) for name, parameter in named)


def test_gradients_add_up_over_micro_batches_until_they_are_zeroed(policy, runtime):
    optimizer = build_optimizer(policy, OptimizerSettings())
    (once,) = _train(policy, optimizer, rate=0.0)
    optimizer.zero_grad()
    for _ in range(2):
        stats = token_stats(policy, BATCH)
        weighted_loss(stats.logprobs_M, stats.entropy_M).backward()
    assert optimizer.step(0.0) == pytest.approx(2 * once, rel=1e-5)


def test_a_norm_that_is_not_finite_changes_nothing(policy, runtime):
    optimizer = build_optimizer(policy, OptimizerSettings())
    before = [parameter.clone() for parameter in policy.model.parameters()]
    optimizer.zero_grad()
    parameter = next(iter(policy.model.parameters()))
    parameter.grad = torch.full_like(parameter, float("inf"))
    assert not math.isfinite(optimizer.step(1e-2))
    assert all(torch.equal(a, b) for a, b in zip(policy.model.parameters(), before, strict=True))
    assert optimizer.steps == 0
    assert not any(tensor.any() for kind in optimizer.state.values() for tensor in kind.values())
