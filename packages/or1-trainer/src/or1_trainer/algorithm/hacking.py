"""Signs of a reward that is earned in another way than was meant; `metrics/alarms.py` looks at their course."""

import numpy as np

from or1_reward.types import Status
from or1_trainer.algorithm.groups import Outcomes


def hacking_metrics(outcomes: Outcomes) -> dict[str, float]:
    """`verdicts/*`: the part of the responses with each verdict that came. `watch/*`: what the rewarded ones look like.

    `answer_share` is the part of the most frequent answer among all answers of the step: problems differ, so answers
    should. `rewarded_length` and `rest_length` are mean tokens of right responses and of others, where there are any.
    """
    statuses, counts = np.unique(outcomes.statuses_PG, return_counts=True)
    metrics = {
        f"verdicts/{status}": float(count / outcomes.statuses_PG.size)
        for status, count in zip(statuses, counts, strict=True)
    }
    answers = outcomes.answers_PG[outcomes.answers_PG > 0]
    if answers.size:
        metrics["watch/answer_share"] = float(np.unique(answers, return_counts=True)[1].max() / answers.size)
    is_right_PG = outcomes.statuses_PG == Status.CORRECT
    for name, chosen_PG in (("rewarded", is_right_PG), ("rest", ~is_right_PG)):
        if chosen_PG.any():
            metrics[f"watch/{name}_length"] = float(outcomes.lengths_PG[chosen_PG].mean())
    return metrics
