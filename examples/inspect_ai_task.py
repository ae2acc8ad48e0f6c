"""A task of inspect_ai whose scorer is or1-reward's verifier.

    uv run --with inspect-ai examples/inspect_ai_task.py                    # a scripted model, no key needed
    inspect eval examples/inspect_ai_task.py --model openai/YOUR_MODEL      # a model of yours

A verifier that fails gives no score, not a zero.
"""

from __future__ import annotations

from inspect_ai import Task, eval, task
from inspect_ai.dataset import Sample
from inspect_ai.model import ModelOutput, ModelUsage, get_model
from inspect_ai.solver import generate

from or1_eval.adapters.inspect_ai import or1_scorer


@task
def sums() -> Task:
    """Two questions; several targets of one are alternatives."""
    samples = [
        Sample(input="What is 6 times 7? Put the answer in \\boxed{}.", target="42"),
        Sample(input="What is 1/2 as a decimal? Put the answer in \\boxed{}.", target=["0.5", ".5"]),
    ]
    return Task(dataset=samples, solver=generate(), scorer=or1_scorer())


def main() -> float:
    """The accuracy of a scripted model that answers the first question right and the second wrong."""
    answers = [ModelOutput.from_content("mockllm/model", text) for text in (r"\boxed{42}", r"\boxed{\frac{1}{3}}")]
    for answer in answers:
        answer.usage = ModelUsage(input_tokens=1, output_tokens=1, total_tokens=2)  # else a tokenizer is downloaded
    model = get_model("mockllm/model", custom_outputs=answers)
    (log,) = eval(sums(), model=model, display="none", log_format="json", max_connections=1, max_samples=1)
    assert log.results is not None, log.error
    accuracy = float(log.results.scores[0].metrics["accuracy"].value)
    print(f"accuracy {accuracy}")
    return accuracy


if __name__ == "__main__":
    main()
