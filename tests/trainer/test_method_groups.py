"""From verdicts to samples: verifier errors stay out, rejection, mini-batches cut before rejection."""

from or1_reward.types import Status, Verdict
from or1_rollout.types import Completion, FinishReason
from or1_trainer.algorithm.groups import group_metrics, score_groups, split_minibatches
from or1_trainer.config.schema import LossSettings

OUTCOME = {
    "+": Status.CORRECT,
    "-": Status.WRONG,
    "t": Status.TRUNCATED,
    "!": Status.VERIFIER_ERROR,
    "n": Status.NO_ANSWER,
}


def groups(*outcomes, **loss):
    completions = [
        [
            Completion(
                token_ids=(7,) * (position + 1),
                logprobs=(-1.0,) * (position + 1),
                text="x",
                finish_reason=FinishReason.LENGTH if letter == "t" else FinishReason.STOP,
            )
            for position, letter in enumerate(letters)
        ]
        for letters in outcomes
    ]
    verdicts = [[Verdict(status=OUTCOME[letter]) for letter in letters] for letters in outcomes]
    named = [(f"p{number}", "1+1", [1, 2]) for number in range(len(outcomes))]
    return score_groups(named, completions, verdicts, LossSettings(**loss), context_tokens=64)


def test_a_verifier_error_is_neither_trained_on_nor_in_the_baseline():
    broken, whole = groups("+-!", "+-+")[0], groups("+-")[0]
    assert broken.advantages[2] == 0.0
    assert [s.advantage for s in broken.samples()] == list(whole.advantages)


def test_truncated_counts_as_wrong_without_a_mask():
    (group,) = groups("+t")
    assert group.advantages[0] > 0 > group.advantages[1]


def test_rejection_and_minibatches():
    batch = groups("+-", "++", "--", "-+")
    one_step = split_minibatches(batch, 0, reject=True)
    assert [len(step) for step in one_step] == [4]
    two_steps = split_minibatches(batch, 2, reject=True)
    assert [len(step) for step in two_steps] == [2, 2]  # cut before rejection: p0 | p3, not p0 p3
    singles = split_minibatches(batch, 1, reject=True)
    assert [len(step) for step in singles] == [2, 2]  # p1 and p2 make no step at all
    assert [len(step) for step in split_minibatches(batch, 0, reject=False)] == [8]
    assert split_minibatches(groups("++", "--"), 0, reject=True) == []


def test_metrics_of_the_batch_before_rejection():
    metrics = group_metrics(groups("+-", "++", "nt", "-!"))
    assert metrics["reward/mean"] == 3 / 7 and metrics["reward/verifier_errors"] == 1
    assert metrics["reward/truncated_rate"] == 1 / 8 and metrics["reward/no_answer_rate"] == 1 / 8
    assert (metrics["group/kept_rate"], metrics["group/solve_all_rate"], metrics["group/solve_none_rate"]) == (
        0.25,
        0.25,
        0.25,
    )
    assert metrics["tokens/response"] == 4 * 3 and metrics["response/length_max"] == 2
