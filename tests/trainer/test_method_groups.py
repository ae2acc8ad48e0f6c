"""From verdicts to samples: verifier errors stay out, rejection, mini-batches cut before rejection."""

import numpy as np
import pytest

from or1_reward.types import Status, Verdict
from or1_rollout.types import Completion, FinishReason
from or1_trainer.algorithm.groups import (
    group_metrics,
    merge_outcomes,
    outcomes_of,
    split_minibatches,
    staleness_metrics,
    with_advantages,
)
from or1_trainer.config.schema import LossSettings
from or1_trainer.train.sampler import record

OUTCOME = {
    "+": Status.CORRECT,
    "-": Status.WRONG,
    "t": Status.TRUNCATED,
    "!": Status.VERIFIER_ERROR,
    "n": Status.NO_ANSWER,
}


def outcomes(*groups):
    """Letters per group; the response at place i has i + 1 tokens and comes from weight version i."""
    completions = [
        [
            Completion(
                token_ids=[7] * (position + 1),
                logprobs=None if letter == "!" else [-1.0] * (position + 1),
                text="x",
                finish_reason=FinishReason.LENGTH if letter == "t" else FinishReason.STOP,
                weight_version=position,
            )
            for position, letter in enumerate(letters)
        ]
        for letters in groups
    ]
    verdicts = [[Verdict(status=OUTCOME[letter]) for letter in letters] for letters in groups]
    return outcomes_of(completions, verdicts, len(groups[0]) if groups else 2)


def scored(*groups, **loss):
    names = [f"p{number}" for number in range(len(groups))]
    return with_advantages(names, outcomes(*groups), LossSettings(**loss), limits_P=[64] * len(names))


def test_a_verifier_error_is_neither_trained_on_nor_in_the_baseline():
    broken, whole = scored("+-!"), scored("+-")
    assert broken.advantages_PG[0].tolist() == [*whole.advantages_PG[0], 0.0]
    assert split_minibatches(broken, [0], 0, reject=True) == [[(0, 0), (0, 1)]]
    assert record({"p0": (1, 1)}, broken) == {"p0": (2, 3)}, "it is no verdict"


def test_truncated_counts_as_wrong_without_a_mask():
    right, truncated = scored("+t").advantages_PG[0]
    assert right > 0 > truncated


def test_rejection_and_minibatches():
    groups, everything = scored("+-", "++", "--", "-+"), [0, 1, 2, 3]

    def problems(mini_prompts, drawn=everything, reject=True):
        steps = split_minibatches(groups, drawn, mini_prompts, reject=reject)
        assert all(places == [(p, g) for p, _ in places[::2] for g in (0, 1)] for places in steps)
        return [[problem for problem, _ in places[::2]] for places in steps]

    assert problems(0) == [[0, 3]]
    assert problems(2) == [[0], [3]]  # cut before rejection: p0 | p3, not p0 p3
    assert problems(1) == [[0], [3]]  # p1 and p2 make no step at all
    assert problems(0, reject=False) == [everything]
    assert problems(0, drawn=[3]) == [[3]]
    assert problems(0, drawn=[1, 2]) == []


def test_metrics_of_the_batch_before_rejection():
    metrics = group_metrics(scored("+-", "++", "nt", "-!"))
    assert metrics["reward/mean"] == 3 / 7 and metrics["reward/verifier_errors"] == 1
    assert metrics["reward/truncated_rate"] == 1 / 8 and metrics["reward/no_answer_rate"] == 1 / 8
    assert (metrics["group/kept_rate"], metrics["group/solve_all_rate"], metrics["group/solve_none_rate"]) == (
        0.25,
        0.25,
        0.25,
    )
    assert metrics["tokens/response"] == 4 * 3 and metrics["response/length_max"] == 2
    assert all(type(value) in (int, float) for value in metrics.values()), "they are written as JSON"


def test_rewards_may_be_any_numbers():
    """A problem is solved by its verdicts, not by a reward that happens to be 1."""
    found = outcomes("++", "+-")
    shaped = found._replace(rewards_PG=np.array([[0.5, 0.25], [1.5, -1.0]]))
    groups = with_advantages(["a", "b"], shaped, LossSettings(), limits_P=[64, 64])
    metrics = group_metrics(groups)
    assert metrics["reward/mean"] == pytest.approx(1.25 / 4)
    assert metrics["group/solve_all_rate"] == 0.5 and metrics["group/solve_none_rate"] == 0
    assert metrics["group/kept_rate"] == 1, "two different rewards are a signal"
    assert record({}, groups) == {"a": (2, 2), "b": (1, 2)}


def test_staleness_is_the_distance_in_versions():
    metrics = staleness_metrics(scored("+-t", "+++"), trained_version=4)
    assert (metrics["rollout/staleness_mean"], metrics["rollout/staleness_max"]) == (3, 4)
    assert metrics["rollout/trained_length_ratio"] == 1


@pytest.mark.parametrize("ranks", [1, 2, 3, 5])
def test_outcomes_dealt_out_and_merged_are_those_of_the_whole(ranks):
    letters = ["+-", "t!", "nn", "-+"]
    places = [range(rank, len(letters), ranks) for rank in range(ranks)]
    parts = [outcomes(*(letters[place] for place in own)) for own in places]
    for merged, whole in zip(merge_outcomes(parts, places), outcomes(*letters), strict=True):
        assert np.array_equal(merged, whole, equal_nan=whole.dtype == np.float64)
        assert merged.dtype.kind == whole.dtype.kind


def test_groups_are_added_in_order():
    both = scored("+-", "tt") + scored("-+")
    alone = scored("+-", "tt", "-+")
    assert (both.advantages_PG == alone.advantages_PG).all() and both.has_signal_P.tolist() == [True, False, True]
    assert (both.outcomes.statuses_PG == alone.outcomes.statuses_PG).all()
