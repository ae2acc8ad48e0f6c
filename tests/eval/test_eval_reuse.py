"""What others build on: the pytest example, the trainer callback, the inspect_ai scorer."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from scripted_server import ScriptedServer

from or1_eval import Problem, Task, endpoint, evaluate
from or1_eval.adapters.inspect_log import export_logs
from or1_eval.callbacks import PeriodicEval, transformers_callback

EXAMPLE = Path(__file__).resolve().parents[2] / "packages" / "or1-eval" / "examples" / "test_my_model.py"


@pytest.mark.parametrize(("right", "code"), [(True, 0), (False, 1)])
def test_the_pytest_example(server: ScriptedServer, problem_file: Path, tmp_path: Path, right: bool, code: int) -> None:
    server.style = lambda problem, seed: {"text": f"\\boxed{{{100 + problem if right else 1}}}"}
    environment = os.environ | {"OR1_EVAL_URL": server.url, "OR1_EVAL_TASK": str(problem_file)}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", os.devnull, str(EXAMPLE)]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == code, done.stdout + done.stderr


def test_a_transformers_trainer_evaluates_as_it_trains(tmp_path: Path) -> None:
    """A real Trainer over a tiny model: evaluated at steps 0, 2 and 4, in eval mode, logged with its metrics."""
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    pytest.importorskip("accelerate")
    config = transformers.Qwen2Config(
        vocab_size=32,
        hidden_size=16,
        intermediate_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=2,
    )
    model = transformers.Qwen2ForCausalLM(config)
    modes: list[bool] = []

    def policy(prompt: str) -> str:
        modes.append(model.training)
        with torch.no_grad():
            return f"\\boxed{{{int(model(torch.tensor([[1]])).logits.argmax()) * 0 + 4}}}"

    task = Task(name="t", problems=(Problem(id="a", prompt="2+2?", ground_truth="4"),))
    arguments = transformers.TrainingArguments(
        output_dir=str(tmp_path), max_steps=4, report_to=[], use_cpu=True, save_strategy="no", disable_tqdm=True
    )
    rows = [{"input_ids": torch.tensor([1, 2, 3]), "labels": torch.tensor([1, 2, 3])}] * 8
    callback = transformers_callback(PeriodicEval(task, policy, every=2))
    trainer = transformers.Trainer(model=model, args=arguments, train_dataset=rows, callbacks=[callback])
    trainer.train()
    logged = [row for row in trainer.state.log_history if "eval/t/avg@1" in row]
    assert [row["step"] for row in logged] == [0, 2, 4]
    assert modes == [False] * 3
    assert all(row["eval/t/avg@1"] == 1.0 for row in logged)


def test_a_model_loaded_by_or1_rollout(problem_file: Path, tmp_path: Path) -> None:
    """`--model PATH` through the embedded engine: our `Sampling` is taken as its parameters, its tokens are kept."""
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    names = [*sorted(pre_tokenizers.ByteLevel.alphabet()), "<end>"]
    raw = Tokenizer(models.BPE(vocab={name: index for index, name in enumerate(names)}, merges=[]))
    raw.pre_tokenizer, raw.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    tokenizer = transformers.PreTrainedTokenizerFast(tokenizer_object=raw, eos_token="<end>", pad_token="<end>")
    tokenizer.chat_template = "{% for m in messages %}{{ m['content'] }}{% endfor %}"
    tokenizer.save_pretrained(tmp_path / "model")
    torch.manual_seed(0)
    config = transformers.Qwen2Config(
        vocab_size=len(names),
        hidden_size=32,
        intermediate_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=2,
        eos_token_id=len(names) - 1,
        bos_token_id=None,
        pad_token_id=len(names) - 1,
    )
    transformers.Qwen2ForCausalLM(config).save_pretrained(tmp_path / "model")
    script = str(Path(sys.executable).parent / "or1-eval")
    command = [script, "run", str(problem_file), "--model", "model", "-k", "3", "--max-new-tokens", "8", "-o", "run"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    rows = [json.loads(line) for line in (tmp_path / "run" / "samples.jsonl").read_text().splitlines()]
    assert len(rows) == 36
    assert all(0 < len(row["token_ids"]) <= 8 for row in rows)
    assert len({tuple(row["token_ids"]) for row in rows}) > 30, "each sample has a seed of its own"
    (said,) = json.loads((tmp_path / "run" / "results.json").read_text())["tasks"].values()
    assert said["fingerprint"]["model"].startswith("model@")
    assert said["fingerprint"]["engine"] == "or1-rollout embedded"


def test_alternatives_are_several_targets_and_a_length_that_nobody_counted_is_not_there(tmp_path: Path) -> None:
    truths = {"list": '["1/2", "0.5"]', "text": '"7"', "plain": "7"}
    task = Task(name="t", problems=tuple(Problem(id=name, prompt="?", ground_truth=t) for name, t in truths.items()))
    evaluate(task, lambda prompt: "\\boxed{1}", run_dir=tmp_path / "run")
    (path,) = export_logs(tmp_path / "run", tmp_path / "logs")
    samples = {sample["id"]: sample for sample in json.loads(path.read_text())["samples"]}
    assert all(sample["metadata"].keys() == {"seed"} for sample in samples.values())
    assert {name: sample["target"] for name, sample in samples.items()} == {
        "list": ["1/2", "0.5"], "text": "7", "plain": "7",
    }  # fmt: skip
    if find_spec("inspect_ai") is not None:
        from inspect_ai.log import read_eval_log

        assert [s.target for s in read_eval_log(str(path)).samples or ()] == [s["target"] for s in samples.values()]


@pytest.mark.skipif(find_spec("inspect_ai") is None, reason="inspect_ai is not installed: its scorer is tried by hand")
def test_inspect_ai_scores_with_our_verifier(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import inspect_ai
    from inspect_ai.dataset import Sample
    from inspect_ai.model import ModelOutput, ModelUsage, get_model

    from or1_eval.adapters.inspect_ai import or1_scorer

    def counted(output: ModelOutput) -> ModelOutput:
        """With its tokens: inspect_ai would count them with a vocabulary that it downloads."""
        output.usage = ModelUsage(input_tokens=1, output_tokens=1, total_tokens=2)
        return output

    outputs = [("\\boxed{0.5}", "stop"), ("\\boxed{3}", "stop"), ("\\boxed{7}", "max_tokens")]
    model = get_model(
        "mockllm/model",
        custom_outputs=[counted(ModelOutput.from_content("m", text, stop_reason=reason)) for text, reason in outputs],  # type: ignore[arg-type]
    )
    samples = [Sample(input="a", target=["7/9", "1/2"]), Sample(input="b", target="2"), Sample(input="c", target="7")]
    task = inspect_ai.Task(dataset=samples, scorer=or1_scorer())
    (log,) = inspect_ai.eval(task, model=model, display="none", log_dir=str(tmp_path), max_connections=1, max_samples=1)
    assert log.results is not None
    assert log.results.scores[0].metrics["accuracy"].value == pytest.approx(1 / 3)


def test_a_run_as_logs_of_inspect_ai(server: ScriptedServer, problem_file: Path, tmp_path: Path) -> None:
    """Read back by inspect_ai where it is installed; what it would read is checked anyway."""
    server.style = lambda problem, seed: {"message": {"reasoning_content": "hm"}} if seed % 2 else {}
    report = evaluate(problem_file, endpoint(server.url), k=3, run_dir=tmp_path / "run")
    (path,) = export_logs(tmp_path / "run", tmp_path / "logs")
    log = json.loads(path.read_text())
    assert (log["version"], log["status"], log["eval"]["config"]["epochs"]) == (2, "success", 3)
    scores = [sample["scores"]["or1"]["value"] for sample in log["samples"]]
    assert len(scores) == 36 and sum(scores) / 36 == pytest.approx(report.avg)
    assert {(s["id"], s["epoch"]) for s in log["samples"]} == {(f"p{n}", e) for n in range(12) for e in (1, 2, 3)}
    assert all(sample["metadata"]["num_tokens"] > 0 for sample in log["samples"])
    contents = [sample["output"]["choices"][0]["message"]["content"] for sample in log["samples"]]
    thought = [content for content in contents if isinstance(content, list)]
    assert thought and all(content[0] == {"type": "reasoning", "reasoning": "hm"} for content in thought)
    assert 0 < len(thought) < 36
    if find_spec("inspect_ai") is not None:
        from inspect_ai.log import list_eval_logs, read_eval_log

        assert len(list_eval_logs(str(tmp_path / "logs"))) == 1
        read = read_eval_log(str(path))
        assert read.samples is not None and len(read.samples) == 36
        assert read.results is not None and read.results.scores[0].metrics["accuracy"].value == report.avg
