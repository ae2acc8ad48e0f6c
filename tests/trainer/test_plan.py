"""`plan`: its formulas against the report's tables, against what autograd keeps, and against each other."""

import json
import re
from pathlib import Path

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode
from transformers import AutoConfig, AutoModelForCausalLM

from or1_trainer.algorithm.packing import Sample, pack
from or1_trainer.cli import main
from or1_trainer.config.load import read_recipe, resolve
from or1_trainer.plan.frozen_models import frozen_gb, not_counted
from or1_trainer.plan.gpus import GPUS, gpu_named
from or1_trainer.plan.layout import Layout, conflicts, layouts
from or1_trainer.plan.memory import activation_bytes, memory_of, most_tokens
from or1_trainer.plan.read_shape import known_models
from or1_trainer.plan.remedies import remedies
from or1_trainer.plan.shape import Shape
from or1_trainer.plan.stages import advice, obstacles, plan_stages
from or1_trainer.plan.step_time import Assumptions, forward_flops, rollout_s, update_flops
from or1_trainer.plan.table import memory_table
from or1_trainer.policy.hf_weights.weights import load_hf_weights
from or1_trainer.policy.model import build_policy

SEVEN = Shape.of(known_models()["deepseek-ai/DeepSeek-R1-Distill-Qwen-7B"])
THIRTY_TWO = Shape.of(known_models()["deepseek-ai/DeepSeek-R1-Distill-Qwen-32B"])
H800 = gpu_named("h800")
SMALL = {
    "hidden_size": 128, "intermediate_size": 512, "num_hidden_layers": 4, "num_attention_heads": 8,
    "num_key_value_heads": 2, "vocab_size": 64, "tie_word_embeddings": False,
}  # fmt: skip
BATCH = {"responses": 1024, "longest_tokens": 16384}


@pytest.mark.parametrize(("gpus", "seconds", "error"), [(64, 270, 0.05), (128, 225, 0.05), (32, 375, 0.01), (256, 205, 0.01)])  # noqa: E501  # fmt: skip
def test_rollout_times_are_those_of_table_9(gpus, seconds, error):
    planned = rollout_s(SEVEN, H800, Assumptions(), **BATCH, gpus=gpus, tensor=1, kv_tokens=10**9)
    assert planned == pytest.approx(seconds, rel=error)


def test_a_step_of_table_8_within_a_fifth():
    planned = rollout_s(SEVEN, H800, Assumptions(), **BATCH, gpus=32, tensor=1, kv_tokens=10**9)
    assert planned == pytest.approx(90 * 3.6, rel=0.2)
    assumed = Assumptions()
    flops = update_flops(SEVEN, 1024 * 8192 * assumed.kept_share, 8192, passes=1, recompute=True)
    assert flops / (32 * H800.bf16_tflops * 1e12 * assumed.utilization) == pytest.approx(8 * 3.6, rel=0.2)


def test_the_32b_step_of_table_7_lies_between_those_of_its_stages():
    config = resolve(read_recipe("or1-32b"))
    first, second = plan_stages(THIRTY_TWO, config, H800, Layout(tensor=8, data=32), Assumptions())
    assert first.rollout_s < 223 * 3.6 < second.rollout_s
    assert first.update_s < 27 * 3.6 < second.update_s


def test_forward_flops_are_what_torch_counts():
    config = {**SMALL, "model_type": "llama"}
    options = {key: value for key, value in config.items() if key != "model_type"}
    model = AutoModelForCausalLM.from_config(AutoConfig.for_model("llama", **options), attn_implementation="eager")
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(torch.zeros((1, 128), dtype=torch.long))
    whole_attention = forward_flops(Shape.of(config), 128, 256)  # eager attention multiplies the masked half too
    assert counter.get_total_flops() == pytest.approx(whole_attention, rel=0.01)


@pytest.mark.parametrize("recompute", [False, True])
def test_activations_are_those_that_are_planned(recompute, runtime):
    config = {**SMALL, "model_type": "qwen2"}
    options = {key: value for key, value in config.items() if key != "model_type"}
    model = AutoModelForCausalLM.from_config(AutoConfig.for_model("qwen2", **options))
    policy = build_policy(model.config, runtime, recompute=recompute)
    load_hf_weights(policy, model.state_dict())
    batch = pack([Sample(prompt_ids=[1] * 16, response_ids=[2] * 48, advantage=0.0) for _ in range(16)])
    weights = {parameter.untyped_storage().data_ptr() for parameter in policy.model.parameters()}
    kept: dict[int, int] = {}

    def note(tensor):
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        policy.hidden(batch)
    tokens = batch.token_ids_T.numel()
    settings = resolve(read_recipe("or1-7b"), [("batch.recompute", recompute)])
    last = 2 * tokens * 128  # the response tokens' final states, which `hidden` does not select
    planned = 2 * (activation_bytes(Shape.of(config), settings, 1, tokens) - last)  # float32 here, bfloat16 there
    assert sum(kept.values()) == pytest.approx(planned, rel=0.05)


def test_every_way_to_save_memory_saves_what_it_says():
    plain = resolve(read_recipe("or1-7b"), [("parallel.sequence", False), ("batch.recompute", False)])
    one = memory_of(SEVEN, plain, Layout(tensor=1, data=8), H800, 16384)
    two = memory_of(SEVEN, plain, Layout(tensor=2, data=4), H800, 16384)
    norms = pytest.approx(1, rel=1e-4)  # each rank holds them whole
    assert 2 * two.weights / one.weights == norms and 2 * two.gradients / one.gradients == norms
    assert two.optimizer / one.optimizer == norms, "cut over all ranks either way"
    saved = memory_of(SEVEN, resolve(read_recipe("or1-7b")), Layout(tensor=2, data=4), H800, 16384)
    assert saved.activations < two.activations / 10
    offload = resolve(read_recipe("or1-7b"), [("optimizer.offload", True), ("batch.recompute", False)])
    resting, moved = (
        memory_of(SEVEN, config, Layout(tensor=2, data=4), H800, 16384)
        for config in (resolve(read_recipe("or1-7b"), [("batch.recompute", False)]), offload)
    )
    assert resting.while_training - moved.while_training == pytest.approx(moved.optimizer)
    assert resting.while_sampling - moved.while_sampling == pytest.approx(moved.optimizer)
    alone = memory_of(SEVEN, offload, Layout(tensor=2, data=1), H800, 1)
    assert alone.while_training >= alone.weights + alone.gradients + alone.optimizer, "its step needs it"
    assert one.weights + one.gradients + one.optimizer * 8 == pytest.approx(18 * SEVEN.parameters / 1e9)


@pytest.mark.parametrize(("shape", "recipe", "gpus"), [(SEVEN, "or1-7b", 8), (THIRTY_TWO, "or1-32b", 8)])
def test_the_longest_sequence_is_the_last_that_fits(shape, recipe, gpus):
    config, h200 = resolve(read_recipe(recipe)), gpu_named("h200")
    layout = Layout(tensor=config.parallel.tensor, data=gpus // config.parallel.tensor)
    most = most_tokens(shape, config, layout, h200)
    needs = [
        memory_of(shape, resolve(read_recipe(recipe), [("batch.microbatch_tokens", most + more)]), layout, h200, 1)
        for more in (0, 1)
    ]
    assert needs[0].while_training <= h200.memory_gb < needs[1].while_training
    assert most > 131_072, "the positions of these models"
    assert most_tokens(THIRTY_TWO, config, Layout(tensor=1, data=1), h200) == 0 or shape is SEVEN


def test_heads_and_nodes_bound_the_layout():
    assert conflicts(SEVEN, 32, 8) == [
        f"tensor = 8 does not divide {size}" for size in ("num_attention_heads = 28", "num_key_value_heads = 4")
    ]
    assert [layout.tensor for layout in layouts(SEVEN, 32)] == [1, 2, 4]
    assert [layout.tensor for layout in layouts(THIRTY_TWO, 64)] == [1, 2, 4, 8]
    assert conflicts(THIRTY_TWO, 64, 16)


def test_advice_is_the_first_layout_without_an_obstacle():
    config = resolve(read_recipe("or1-32b"))
    gpu = gpu_named("h200")
    advised = advice(THIRTY_TWO, config, gpu, 64, Assumptions())
    assert advised is not None
    for layout in layouts(THIRTY_TWO, 64):
        found = obstacles(THIRTY_TWO, config, gpu, layout, plan_stages(THIRTY_TWO, config, gpu, layout, Assumptions()))
        assert bool(found) == (layout.tensor < advised.tensor) or layout.tensor > advised.tensor
    assert advice(THIRTY_TWO, config, GPUS["l40s"], 8, Assumptions()) is None


def test_the_command_prints_and_says_the_obstacles(capsys):
    assert main(["plan", "or1-7b", "--gpus", "32", "--json"]) == 0
    planned = json.loads(capsys.readouterr().out)
    assert planned["parameters"] == SEVEN.parameters and len(planned["stages"]) == 2
    assert main(["plan", "or1-32b", "--gpus", "8", "--gpu", "h100"]) == 1
    assert "obstacles:" in capsys.readouterr().out
    assert main(["plan", "or1-32b", "--gpus", "30"]) == 2
    assert main(["plan", "or1-32b", "--gpus", "32", "--gpu", "h10"]) == 2
    assert "did you mean h100" in capsys.readouterr().err
    assert main(["plan", "or1-7b", "--gpus", "32", "--kept-share", "2"]) == 2


def test_the_table_in_the_docs_is_what_the_formulas_say(repo_root: Path):
    text = (repo_root / "docs" / "plan.md").read_text()
    assert memory_table() in text
    assert re.search(r"fitted to two rows", text)


@pytest.mark.parametrize(
    ("changes", "gpu", "kinds"),
    [
        ({"batch.recompute": False}, "h100", {"batch.recompute", "parallel.tensor"}),
        (
            {"parallel.tensor": 1},
            "a100",
            {"batch.microbatch_tokens", "batch.chunk_tokens", "optimizer.offload", "parallel.tensor", "--gpus"},
        ),
    ],
)
def test_each_setting_that_is_named_makes_it_fit_and_the_recipe_alone_does_not(changes, gpu, kinds):
    config = resolve(read_recipe("or1-7b"), list(changes.items()))
    layout = Layout(tensor=config.parallel.tensor, data=8 // config.parallel.tensor)
    machine = gpu_named(gpu)
    assert memory_of(SEVEN, config, layout, machine, 16384).while_training > machine.memory_gb
    found = remedies(SEVEN, config, layout, machine, 16384)
    assert {re.match(r"[-\w.]+", line)[0] for line in found} == kinds, found
    for line in found:
        words, _, size = line.rpartition(": ")
        names = dict(re.findall(r"(--gpus|[\w.]+\.\w+) (?:= )?(\w+)", words))
        gpus = int(names.pop("--gpus", 8))
        settings = {**changes, **{name: json.loads(value) for name, value in names.items()}}
        changed = resolve(read_recipe("or1-7b"), list(settings.items()))
        used = Layout(tensor=changed.parallel.tensor, data=gpus // changed.parallel.tensor)
        needed = memory_of(SEVEN, changed, used, machine, 16384).while_training
        assert needed <= machine.memory_gb and f"{needed:.0f} GB" == size


def test_where_nothing_helps_the_longest_sequence_is_named():
    config = resolve(read_recipe("or1-7b"), [("batch.microbatch_tokens", 10**7)])
    (line,) = remedies(SEVEN, config, Layout(tensor=4, data=1), gpu_named("h200"), 10**7)
    longest = int(re.search(r"at most ([\d,]+) tokens", line)[1].replace(",", ""))
    assert longest == most_tokens(SEVEN, config, Layout(tensor=4, data=1), gpu_named("h200"))


def test_a_teacher_and_a_reward_model_take_their_place_on_every_gpu():
    seven = "deepseek-ai/DeepSeek-R1-Distill-Qwen-7B"
    plain = resolve(read_recipe("or1-7b"))
    reward = {"kind": "model", "path": seven, "dtype": "float32"}
    both = resolve(read_recipe("or1-7b"), [("distill.beta", 0.1), ("distill.teacher", seven), ("distill.dtype", "bfloat16"), ("rewards", [{"kind": "verifier"}, reward])])  # noqa: E501  # fmt: skip
    assert frozen_gb(plain) == 0 and frozen_gb(both) == pytest.approx((2 + 4) * SEVEN.parameters / 1e9)
    sizes = [memory_of(SEVEN, config, Layout(tensor=2, data=4), H800, 16384) for config in (plain, both)]
    assert sizes[1].while_training - sizes[0].while_training == pytest.approx(frozen_gb(both))
    assert sizes[1].while_sampling - sizes[0].while_sampling == pytest.approx(frozen_gb(both))
    assert not_counted(plain) == [] and "teacher, reward model" in not_counted(both)[0]


def test_fine_tuning_has_no_rollouts_and_one_pass_over_all_rows():
    stage = {"kind": "sft", "rows": ["rows.jsonl"], "steps": 10, "context_tokens": 4096, "prompts": 64}
    config = resolve(read_recipe("or1-7b"), [("stages", [stage])])
    (plan,) = plan_stages(SEVEN, config, H800, Layout(tensor=2, data=4), Assumptions())
    assert plan.rollout_s == plan.logprobs_s == 0 and plan.responses == 64
    tokens = 64 * 4096 * 0.5
    assert plan.update_flops == update_flops(SEVEN, tokens, 2048, passes=1, recompute=config.batch.recompute)
