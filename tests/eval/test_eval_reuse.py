"""What others build on: the pytest example, the trainer callback, the inspect_ai scorer."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from scripted_server import ScriptedServer

from or1_eval import Problem, Task
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


@pytest.mark.skipif(find_spec("inspect_ai") is None, reason="inspect_ai is not installed: its scorer is tried by hand")
def test_inspect_ai_scores_with_our_verifier(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import inspect_ai
    from inspect_ai.dataset import Sample
    from inspect_ai.model import ModelOutput, get_model

    from or1_eval.adapters.inspect_ai import or1_scorer

    outputs = [("\\boxed{0.5}", "stop"), ("\\boxed{3}", "stop"), ("\\boxed{7}", "max_tokens")]
    model = get_model(
        "mockllm/model",
        custom_outputs=[ModelOutput.from_content("m", text, stop_reason=reason) for text, reason in outputs],  # type: ignore[arg-type]
    )
    samples = [Sample(input="a", target="1/2"), Sample(input="b", target="2"), Sample(input="c", target="7")]
    task = inspect_ai.Task(dataset=samples, scorer=or1_scorer())
    (log,) = inspect_ai.eval(task, model=model, display="none", log_dir=str(tmp_path), max_connections=1, max_samples=1)
    assert log.results is not None
    assert log.results.scores[0].metrics["accuracy"].value == pytest.approx(1 / 3)
