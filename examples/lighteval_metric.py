"""A metric of lighteval that is or1-reward's verifier: avg@n with fewer wrong zeros than a string match.

    uv run --with "lighteval[math]" examples/lighteval_metric.py      # scores three stored responses
    lighteval ... --custom-tasks examples/lighteval_metric.py --tasks "or1_sums"

lighteval finds `TASKS_TABLE` in the file. A verifier that fails counts as 0 here: lighteval has no missing score.
"""

from __future__ import annotations

import numpy as np
from lighteval.metrics.metrics_sample import SampleLevelComputation
from lighteval.metrics.utils.metric_utils import SampleLevelMetric
from lighteval.models.model_output import ModelResponse
from lighteval.tasks.lighteval_task import LightevalTaskConfig
from lighteval.tasks.requests import Doc, SamplingMethod

from or1_reward import verify_many


class Verified(SampleLevelComputation):
    """The share of a problem's samples that are right."""

    def compute(self, doc: Doc, model_response: ModelResponse, **_: object) -> float:
        """Judge every sample against the gold answer."""
        truth = doc.choices[doc.gold_index] if isinstance(doc.gold_index, int) else doc.choices[doc.gold_index[0]]
        verdicts = verify_many([(text, truth) for text in model_response.final_text], workers=1)
        return float(np.mean([verdict.reward or 0.0 for verdict in verdicts]))


OR1_METRIC = SampleLevelMetric(
    metric_name="or1_avg",
    sample_level_fn=Verified(),
    category=SamplingMethod.GENERATIVE,
    corpus_level_fn=np.mean,
    higher_is_better=True,
)


def prompt(line: dict[str, str], task_name: str = "") -> Doc:
    """A row with `problem` and `answer` as lighteval's document."""
    return Doc(task_name=task_name, query=line["problem"], choices=[line["answer"]], gold_index=0)


TASKS_TABLE = [
    LightevalTaskConfig(
        name="or1_sums",
        prompt_function=prompt,
        hf_repo="PUT/YOUR_SET",
        hf_subset="default",
        hf_avail_splits=["test"],
        evaluation_splits=["test"],
        generation_size=2048,
        metrics=[OR1_METRIC],
        stop_sequence=None,
    )
]


def main() -> float:
    """The score of three samples of which two are right."""
    doc = prompt({"problem": "What is 1/2?", "answer": "0.5"})
    response = ModelResponse(text=[r"\boxed{\frac{1}{2}}", "The answer is 0.50.", r"\boxed{2}"])
    score = Verified().compute(doc, response)
    print(f"{OR1_METRIC.metric_name} {score:.3f}")
    return score


if __name__ == "__main__":
    main()
