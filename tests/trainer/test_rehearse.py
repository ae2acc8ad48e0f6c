"""`rehearse`: scaled traces against a whole one, against real ranks, against `plan`; and planted faults by name."""

import dataclasses
import json
import sys
from pathlib import Path

import pytest
import torch
from msgspec.structs import replace

sys.path.append(str(Path(__file__).parent))

from cuda_lines import executed, function_at, only_on_cuda
from forked import run_workers

from or1_trainer.cli import main
from or1_trainer.config.load import read_recipe, resolve
from or1_trainer.errors import TrainingError
from or1_trainer.plan.gpus import gpu_named
from or1_trainer.plan.layout import Layout
from or1_trainer.plan.memory import GB, RUNTIME_GB, kept_bytes, memory_of
from or1_trainer.plan.read_shape import model_config
from or1_trainer.plan.shape import Shape
from or1_trainer.policy import rope, token_stats
from or1_trainer.policy.norm import RmsNorm
from or1_trainer.rehearse import run
from or1_trainer.rehearse.findings import findings
from or1_trainer.rehearse.scale import FIRST, LAST, scaled, traced
from or1_trainer.rehearse.stages import rehearse
from or1_trainer.rehearse.trace import FLAT

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore::FutureWarning")
H200 = gpu_named("h200")
TINY = {
    "model_type": "qwen2", "hidden_size": 64, "intermediate_size": 192, "num_hidden_layers": 2,
    "num_attention_heads": 8, "num_key_value_heads": 2, "vocab_size": 501, "tie_word_embeddings": False,
    "rms_norm_eps": 1e-6, "rope_theta": 10000.0, "max_position_embeddings": 4096,
}  # fmt: skip
PROMPT = 32


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """`model(**changes)`: a folder with a config.json alone."""

    def made(**changes):
        folder = tmp_path_factory.mktemp("model")
        (folder / "config.json").write_text(json.dumps({**TINY, **changes}))
        return str(folder)

    return made


def small(recipe, path, *more):
    """A recipe on a tiny model and short responses; everything else stays."""
    sizes = [("model.path", path), ("batch.microbatch_tokens", 512), ("batch.chunk_tokens", 128)]
    stages = [(f"stages.{i}.context_tokens", 300) for i in range(len(read_recipe(recipe)["stages"]))]
    return resolve(read_recipe(recipe), [*sizes, *stages, *more])


def trace(config, *, gpus, **options):
    return run.trace_stage(config, config.stages[-1], H200, gpus=gpus, prompt_tokens=PROMPT, **options)


def found(config, tracer, layers):
    shape = dataclasses.replace(Shape.of(model_config(config)), layers=layers)
    return findings(tracer, traced(tracer, layers), shape, config, config.stages[-1], PROMPT)


def test_two_shallow_traces_give_the_deep_one(model):
    config = small("or1-7b", model(hidden_size=1024, intermediate_size=4096, vocab_size=20000))
    two, three, six = (traced(trace(config, gpus=2, layers=depth), depth) for depth in (2, 3, 6))
    line = scaled(two, three, 6)
    padding = 2**16  # of Megatron's flat buffers and of the pieces of weights in a rank's share, in 200 MB
    assert {FIRST, LAST} <= {place for _, place in six.peaks}
    for (phase, place), peak in six.peaks.items():
        if phase not in FLAT:
            assert abs(line.peaks[phase, place].total - peak.total) < padding, (phase, place)
    for phase in set(FLAT) & set(line.phase_peaks()):
        assert line.phase_peaks()[phase][1].total == pytest.approx(six.phase_peaks()[phase][1].total, rel=0.03)
    assert abs(line.peak.total - six.peak.total) < padding
    for phase, work in six.work.items():
        assert line.work[phase].matmul_flops == pytest.approx(work.matmul_flops)
        assert line.work[phase].attention_flops == pytest.approx(work.attention_flops)
        assert line.work[phase].operations == work.operations or phase in FLAT
    assert set(line.collectives) == set(six.collectives)
    for kind, (count, size, _) in six.collectives.items():
        assert line.collectives[kind][0] == count and line.collectives[kind][1] == pytest.approx(size, abs=padding), (
            kind
        )


CASES = {
    "or1-7b, the last rank": ("or1-7b", 8, 7, {}, ()),
    "or1-7b, KL, refill, no sequence parallelism": ("or1-7b", 8, 0, {}, (("loss.kl_beta", 0.1), ("rollout.refill", 2), ("parallel.sequence", False))),  # noqa: E501
    "or1-math-7b, two steps per batch, no recomputation": ("or1-math-7b", 4, 1, {}, (("batch.recompute", False),)),
    "or1-32b, tensor 8, offloaded": ("or1-32b", 64, 63, {"num_key_value_heads": 8}, (("optimizer.offload", True),)),
    "or1-7b, qwen3, tied, clip-cov, reuse": ("or1-7b", 2, 0, {"model_type": "qwen3", "tie_word_embeddings": True}, (("loss.kind", "clip_cov"), ("loss.reuse", 2))),  # noqa: E501
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_every_branch_of_the_recipes_runs_and_communicates_as_it_must(model, name):
    recipe, gpus, rank, changes, more = CASES[name]
    config = small(recipe, model(**changes), *more)
    assert found(config, trace(config, gpus=gpus, rank=rank), 2) == []


def test_an_offloaded_optimizer_leaves_its_memory_to_everything_but_its_step(model):
    path = model()
    stays, leaves = (
        trace(small("or1-7b", path, ("optimizer.offload", offload)), gpus=4, layers=3) for offload in (False, True)
    )
    before, after = traced(stays, 3).phase_peaks(), traced(leaves, 3).phase_peaks()
    state = before["forward"][1].by_holder["optimizer"] - after["forward"][1].by_holder["optimizer"]
    assert state > 0.98 * before["forward"][1].by_holder["optimizer"], "the step counts stay"
    for phase in ("log-probs", "forward", "backward", "push"):
        assert before[phase][1].total - after[phase][1].total == state, phase
    assert after["step"][1].total == before["step"][1].total
    assert after["offload"][1].by_holder["optimizer"] == before["step"][1].by_holder["optimizer"]
    assert leaves.work["offload"].bytes == pytest.approx(2 * state, rel=0.1), "rounded up to the allocator's blocks"
    assert "offload" not in stays.work


def test_a_stage_of_fine_tuning_runs_without_entropy_and_without_log_probs_before_it(model):
    config = small("or1-7b", model())
    stage = replace(config.stages[-1], kind="sft", rows=("rows.jsonl",))
    tracer = run.trace_stage(config, stage, H200, gpus=4, prompt_tokens=PROMPT)
    shape = Shape.of(model_config(config))
    assert findings(tracer, traced(tracer, 2), shape, config, stage, PROMPT) == []
    ours, update = tracer.work, trace(config, gpus=4).work
    assert "log-probs" not in ours and "log-probs" in update
    for phase in ("forward", "backward"):
        assert ours[phase].matmul_flops == pytest.approx(update[phase].matmul_flops)
        assert ours[phase].bytes < update[phase].bytes, "the entropy's share"


def test_what_only_cuda_reaches_is_reached_but_for_what_the_docs_list(model, repo_root, capsys):
    lines = only_on_cuda()
    with executed({name for name, _ in lines}) as seen:
        trace(small("or1-7b", model(), ("loss.kl_beta", 0.1), ("optimizer.offload", True)), gpus=4)
    missed = sorted(lines - seen)
    with capsys.disabled():
        print(f"\n{len(lines) - len(missed)} of {len(lines)} lines behind CUDA conditions are rehearsed")
    listed = (repo_root / "docs" / "plan.md").read_text().splitlines()
    bullets = {line.split("`")[1]: line for line in listed if line.startswith("* `")}
    not_listed = {(name, function_at(name, line)) for name, line in missed}
    not_listed = {(name, function) for name, function in not_listed if f"`{function}`" not in bullets.get(name, "")}
    assert not not_listed, "not rehearsed, and docs/plan.md does not say so"


def test_a_float32_weight_is_named(model, monkeypatch):
    build = RmsNorm.__init__

    def wide(self, config, *args, **kwargs):
        build(self, dataclasses.replace(config, params_dtype=torch.float32), *args, **kwargs)

    monkeypatch.setattr(RmsNorm, "__init__", wide)
    config = small("or1-7b", model(), ("parallel.tensor", 1))
    assert any("final_layernorm.weight is torch.float32" in line for line in found(config, trace(config, gpus=2), 2))


def test_a_tensor_on_the_cpu_is_named_with_its_place(model, monkeypatch):
    rotation = rope.rotation

    def on_host(*args):
        turn = rotation(*args)
        return rope.Rotation(turn.cos.cpu(), turn.sin)

    monkeypatch.setattr(rope, "rotation", on_host)
    config = small("or1-7b", model())
    with pytest.raises(TrainingError, match=r"log-probs, attention, layer 0: aten\.mul\.Tensor on two devices: .*cpu"):
        trace(config, gpus=2)


def test_a_missing_all_reduce_is_named(model, monkeypatch):
    layers = "megatron.core.tensor_parallel.layers.reduce_from_tensor_model_parallel_region"
    monkeypatch.setattr(layers, lambda tensor, group=None: tensor)
    config = small("or1-7b", model(), ("parallel.sequence", False))
    lines = found(config, trace(config, gpus=2), 2)
    assert "forward: 16 calls of allreduce between tensor ranks, 26 are due" in lines, lines


def test_logits_of_all_tokens_at_once_are_named(model, monkeypatch):
    monkeypatch.setattr(token_stats._Plan, "chunks", lambda plan: [slice(0, plan.labels_M.numel())])
    config = small("or1-7b", model())
    assert any("more than batch.chunk_tokens = 128 rows" in line for line in found(config, trace(config, gpus=2), 2))


def test_the_collectives_are_those_of_two_real_ranks(model, tmp_path):
    config = small("or1-7b", model())
    seen = traced(trace(config, gpus=2), 2).collectives
    run_workers("count_collectives.py", 2, OR1_TEST_CONFIG=config.model.path, OR1_TEST_SCRATCH=str(tmp_path))
    real = json.loads((tmp_path / "counts.json").read_text())
    ours = {
        f"{kind.phase} {kind.operation}": [count / 2, size / 2]  # two micro-batches
        for kind, (count, size, _) in seen.items()
        if kind.phase in ("forward", "backward")
    }
    assert ours == real["collectives"]
    planned = kept_bytes(Shape.of(model_config(config)), config, 2, real["tokens"])
    assert real["kept"] == pytest.approx(2 * planned, rel=0.05), "float32 there"


@pytest.mark.parametrize(
    ("recipe", "gpus", "offload"), [("or1-7b", 32, False), ("or1-32b", 64, False), ("or1-32b", 8, True)]
)
def test_plan_and_rehearsal_agree(recipe, gpus, offload):
    config = resolve(read_recipe(recipe), [("optimizer.offload", offload)])
    stage = rehearse(replace(config, stages=config.stages[-1:]), H200, gpus=gpus)[0]
    shape, tensor = Shape.of(model_config(config)), config.parallel.tensor
    planned = memory_of(shape, config, Layout(tensor=tensor, data=gpus // tensor), H200, stage.stage.context_tokens)
    held = stage.traced.peak.by_holder
    for name in ("weights", "gradients", "optimizer"):
        assert held[name] / GB == pytest.approx(getattr(planned, name), rel=1e-4), name
    assert stage.peak_gb == pytest.approx(planned.while_training - RUNTIME_GB, rel=0.02)
    assert stage.findings == []


def test_the_command_says_what_does_not_fit(model, capsys, tmp_path):
    path = model()
    base = [
        "rehearse",
        "or1-7b",
        "--gpus",
        "2",
        "--model.path",
        path,
        "--stages",
        "[{steps=1,context_tokens=300,prompts=4,group=2}]",
    ]
    assert main([*base, "--plot", str(tmp_path / "memory.svg"), "--batch.microbatch_tokens", "512"]) == 0
    assert "<rect" in (tmp_path / "memory.svg").read_text() and "fits" in capsys.readouterr().out
    large = ["--batch.microbatch_tokens", "20000000", "--batch.chunk_tokens", "20000000", "--batch.recompute", "false"]
    assert main([*base, "--gpu", "l40s", *large]) == 1
    said = capsys.readouterr().out
    assert "DOES NOT FIT" in said and "fits (by plan) with batch.microbatch_tokens = 300: " in said
    assert main(["rehearse", "or1-7b", "--gpus", "3"]) == 2
