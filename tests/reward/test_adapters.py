"""The adapters, called the way their trainers call them."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from or1_reward import Status, Verdict, verify
from or1_reward.adapters import VerifierFailedError, openrlhf, required_reward, trl, verl
from or1_reward.code_settings import CodeSettings
from or1_reward.comparison import Compare
from or1_reward.maths import verify as verdicts


def _loaded_by_path(module: ModuleType) -> ModuleType:
    """verl and OpenRLHF load a file by its path, under a name of their own."""
    spec = importlib.util.spec_from_file_location("custom_module", str(module.__file__))
    assert spec and spec.loader
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


def test_verl_naive_manager_call() -> None:
    compute_score = _loaded_by_path(verl).compute_score
    call = {"data_source": "math", "solution_str": r"so \boxed{0.5}", "ground_truth": "1/2", "extra_info": {"index": 3}}
    right = {"score": 1.0, "acc": 1.0, "verifier_error": 0.0, "status": "correct", "extracted": "0.5"}
    assert compute_score(**call) == right
    assert compute_score(**{**call, "ground_truth": '["3", "4"]'})["score"] == 0.0
    assert compute_score(**{**call, "extra_info": None, "reward_router_address": "x"})["score"] == 1.0
    assert compute_score(**{**call, "extra_info": {"finish_reason": "length"}})["status"] == "truncated"


def test_verl_batch_manager_call() -> None:
    results = _loaded_by_path(verl).compute_score_batched(
        data_sources=["a", "b"],
        solution_strs=[r"\boxed{1}", r"\boxed{2}"],
        ground_truths=["1", "1"],
        extra_infos=[{}, None],
    )
    assert [result["score"] for result in results] == [1.0, 0.0]


def test_partial_scores_and_comparisons_of_programs(monkeypatch: pytest.MonkeyPatch) -> None:
    truth = {"inputs": ["1", "2"], "outputs": ["0.3333333", "5"]}
    program = "```python\nprint(1 / 3)\n```"
    call = {"data_source": "code", "solution_str": program, "ground_truth": truth, "compare": "tokens,tolerance"}
    assert verl.compute_score(**call)["score"] == 0.0
    assert verl.compute_score(**call, partial_scores=True)["score"] == 0.5
    code = CodeSettings(compare=Compare(tolerance=1e-6), partial_scores=True)
    reward = trl.reward_function(code=code)
    assert reward(prompts=["p"], completions=[program], ground_truth=[truth]) == [0.5]
    monkeypatch.setenv("OR1_REWARD_PARTIAL_SCORES", "1")
    half = {"inputs": ["1", "2"], "outputs": ["1", "1"]}
    scored = openrlhf.reward_func(["p" + program.replace("1 / 3", "input()")], ["p"], [half])
    assert scored["rewards"].tolist() == [0.5]


def test_openrlhf_call() -> None:
    torch = pytest.importorskip("torch")
    reward_func = _loaded_by_path(openrlhf).reward_func
    # the prompt's own example must not be taken for the answer
    prompts = [r"Put it in \boxed{1}. 1+1?", "2+2?"]
    result = reward_func([prompts[0] + " dunno", prompts[1] + r" \boxed{4}"], prompts, ["1", "4"], experience=None)
    assert torch.equal(result["rewards"], torch.tensor([0.0, 1.0]))
    assert torch.equal(result["scores"], result["rewards"])
    assert result["extra_logs"]["verifier_error"].tolist() == [0.0, 0.0]


def test_openrlhf_refuses_a_query_that_does_not_begin_with_its_prompt() -> None:
    """Stripped special tokens, another template: the prompt's own example of a box must never be graded."""
    pytest.importorskip("torch")
    reward_func = _loaded_by_path(openrlhf).reward_func
    prompts = ["1+1?", r"<|user|>Put it in \boxed{4}. 2+2?"]
    with pytest.raises(ValueError, match="query 1 does not begin with its prompt"):
        reward_func([r"1+1? \boxed{2}", r"Put it in \boxed{4}. 2+2? dunno"], prompts, ["2", "4"])


def test_the_question_copied_into_the_box_is_not_rewarded_in_training() -> None:
    copied, gold = r"\boxed{\sum_{k=1}^{10} k}", "55"
    assert verify(copied, gold).reward == 1.0
    assert trl.reward_function()(prompts=["p"], completions=[copied], ground_truth=[gold]) == [0.0]
    assert verl.compute_score("math", copied, gold)["score"] == 0.0
    worked_out = r"\boxed{\sum_{k=1}^{10} k = 55}"
    assert trl.reward_function()(prompts=["p"], completions=[worked_out], ground_truth=[gold]) == [1.0]


@pytest.mark.parametrize(
    "completion",
    [[], None, "", [{"role": "assistant"}], [{"content": None}], [{"content": [{"type": "image"}]}], "\ud800"],
)
def test_trl_takes_empty_messages(completion: object) -> None:
    assert trl.reward_function()(prompts=["p"], completions=[completion], ground_truth=["1"]) == [0.0]


def test_trl_call_with_text_and_messages() -> None:
    reward = trl.reward_function(eos_token_ids=[2])
    assert reward.__name__ == "or1_reward"
    rewards = reward(
        prompts=["p"] * 4,
        completions=[r"\boxed{1}", [{"role": "assistant", "content": r"\boxed{1}"}], r"\boxed{2}", r"\boxed{1}"],
        completion_ids=[[5, 2], [5, 2], [5, 2], [5, 5]],
        ground_truth=["1"] * 4,
        trainer_state=None,
    )
    assert rewards == [1.0, 1.0, 0.0, 0.0]
    with pytest.raises(KeyError, match="ground_truth"):
        reward(prompts=["p"], completions=["x"], solution=["1"])


def test_a_failure_of_the_grader_is_no_zero(monkeypatch: pytest.MonkeyPatch) -> None:
    failed = Verdict(status=Status.VERIFIER_ERROR, detail="broken")
    monkeypatch.setattr(verdicts, "verify_maths", lambda *_: failed)
    assert trl.reward_function()(prompts=["p"], completions=["1"], ground_truth=["1"]) == [None]
    result = verl.compute_score("math", "1", "1")
    assert (result["score"], result["verifier_error"], result["status"]) == (0.0, 1.0, "verifier_error")
    with pytest.raises(VerifierFailedError, match="broken"):
        verl.compute_score("math", "1", "1", verifier_error_score=None)
    assert verl.compute_score("math", "1", "1", verifier_error_score=0.25)["score"] == 0.25
    pytest.importorskip("torch")
    logged = openrlhf.reward_func(["p1"], ["p"], ["1"])
    assert (logged["rewards"].tolist(), logged["extra_logs"]["verifier_error"].tolist()) == ([0.0], [1.0])
    monkeypatch.setenv("OR1_REWARD_VERIFIER_ERROR", "raise")
    with pytest.raises(VerifierFailedError, match="broken"):
        openrlhf.reward_func(["p1"], ["p"], ["1"])
    assert required_reward(Verdict(status=Status.WRONG), None) == 0.0


@pytest.mark.slow
def test_two_grpo_steps_of_trl(tmp_path: Path) -> None:
    pytest.importorskip("trl", reason="TRL is not installed (uv run --group bench)")
    from datasets import Dataset
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast, Qwen2Config, Qwen2ForCausalLM
    from trl import GRPOConfig, GRPOTrainer

    letters = [*"0123456789+= ", "<eos>", "<pad>"]
    raw = Tokenizer(models.WordLevel({letter: at for at, letter in enumerate(letters)}, unk_token="<pad>"))
    raw.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=raw, eos_token="<eos>", pad_token="<pad>", padding_side="left")
    config = Qwen2Config(
        vocab_size=len(letters),
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=2,
        max_position_embeddings=64,
        eos_token_id=13,
        pad_token_id=14,
        bos_token_id=None,
    )
    seen: list[list[float | None]] = []
    inner = trl.reward_function(eos_token_ids=[])

    def counted(**call: object) -> list[float | None]:
        seen.append(inner(**call))  # type: ignore[arg-type]
        return seen[-1]

    trainer = GRPOTrainer(
        model=Qwen2ForCausalLM(config),
        reward_funcs=counted,
        args=GRPOConfig(
            output_dir=str(tmp_path),
            max_steps=2,
            per_device_train_batch_size=4,
            num_generations=4,
            max_completion_length=4,
            use_cpu=True,
            report_to="none",
            save_strategy="no",
            logging_steps=1,
            bf16=False,
            disable_tqdm=True,
        ),
        train_dataset=Dataset.from_list([{"prompt": f"{a}+1=", "ground_truth": str(a + 1)} for a in range(8)]),
        processing_class=tokenizer,
    )
    trainer.train()
    assert trainer.state.global_step == 2
    assert len(seen) == 2
    assert all(len(rewards) == 4 and set(rewards) <= {0.0, 1.0} for rewards in seen)
