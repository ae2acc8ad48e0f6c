"""The reverse KL to a teacher: its gradient in expectation, its share of the loss, and its way between the ranks."""

import numpy as np
import pytest
import torch

from or1_trainer.algorithm.fixed_inputs import FixedInputs
from or1_trainer.algorithm.packing import Sample, pack
from or1_trainer.algorithm.policy_loss import Extent, policy_loss, reverse_kl
from or1_trainer.config.check import check
from or1_trainer.config.load import resolve
from or1_trainer.config.schema import LossSettings
from or1_trainer.errors import ConfigError
from or1_trainer.train.distribute import Arrays, _flat, _unflat

STAGE = {"steps": 2, "context_tokens": 8, "prompts": 4, "group": 2}


def test_in_expectation_over_the_policys_tokens_its_gradient_is_that_of_the_kl():
    torch.manual_seed(0)
    logits = torch.randn(7, dtype=torch.float64, requires_grad=True)
    teacher = torch.randn(7, dtype=torch.float64).log_softmax(0)
    policy = logits.log_softmax(0)
    (exact,) = torch.autograd.grad((policy.exp() * (policy - teacher)).sum(), logits, retain_graph=True)
    estimates = reverse_kl(policy, policy.detach(), teacher)  # of each token, had it been sampled
    (estimated,) = torch.autograd.grad((policy.detach().exp() * estimates).sum(), logits)
    torch.testing.assert_close(estimated, exact)
    assert float((policy.exp() * estimates).sum()) == pytest.approx(float((policy.exp() * (policy - teacher)).sum()))


@pytest.mark.parametrize("aggregate", ["token", "sequence"])
def test_the_loss_has_it_with_its_weight_and_nothing_without_a_teacher(aggregate):
    logprobs = torch.tensor([-1.0, -2.0, -0.5], dtype=torch.float64, requires_grad=True)
    teacher = torch.tensor([-1.5, -1.0, -0.5], dtype=torch.float64)

    def loss(teacher_M, beta):
        inputs = FixedInputs(
            trainer_M=logprobs.detach(), proximal_M=logprobs.detach(), advantages_M=torch.zeros(3, dtype=torch.float64),
            sequence_M=torch.tensor([0, 0, 1]), lengths_B=torch.tensor([2, 1]), teacher_M=teacher_M,
        )  # fmt: skip
        extent = Extent(num_tokens=3, num_sequences=2, context_tokens=8)
        settings = LossSettings(aggregate=aggregate)
        return policy_loss(logprobs, torch.zeros(3), inputs, settings, extent, alpha=0.0, distill_beta=beta)

    distances = [0.5, -1.0, 0.0]
    mean = sum(distances) / 3 if aggregate == "token" else ((0.5 - 1.0) / 2 + 0.0) / 2
    total, sums = loss(teacher, 2.0)
    assert float(total) == pytest.approx(2.0 * mean) and float(sums["teacher_kl"]) == pytest.approx(mean)
    weights = [1 / 3] * 3 if aggregate == "token" else [1 / 4, 1 / 4, 1 / 2]
    (gradient,) = torch.autograd.grad(total, logprobs)
    assert gradient.tolist() == pytest.approx([2 * w * d for w, d in zip(weights, distances, strict=True)])
    total, sums = loss(None, 2.0)
    assert float(total) == 0.0 and "teacher_kl" not in sums


def test_log_probs_of_the_teacher_follow_their_tokens():
    first = Sample(prompt_ids=[1], response_ids=[2, 3], advantage=0.0, teacher_logprobs=[-0.1, -0.2])
    second = Sample(prompt_ids=[4], response_ids=[5], advantage=0.0, teacher_logprobs=[-0.3])
    batch = pack([second, first])
    assert batch.labels_M.tolist() == [5, 2, 3]
    assert batch.teacher_logprobs_M.tolist() == pytest.approx([-0.3, -0.1, -0.2])
    assert pack([Sample(prompt_ids=[1], response_ids=[2], advantage=0.0)]).teacher_logprobs_M is None


@pytest.mark.parametrize(
    ("with_logprobs", "with_teacher"), [(True, True), (True, False), (False, True), (False, False)]
)
def test_what_travels_between_ranks_arrives_as_it_was(with_logprobs, with_teacher):
    rng = np.random.default_rng(0)

    def logprobs(length, wanted):
        return rng.normal(size=length).astype(np.float32) if wanted else None

    sent = [
        Arrays(rng.integers(0, 99, n).astype(np.int32), logprobs(n, with_logprobs), logprobs(n, with_teacher))
        for n in (3, 1, 4)
    ]
    got = _unflat(_flat(sent), [3, 1, 4], (with_logprobs, with_teacher, False))
    for before, after in zip(sent, got, strict=True):
        for one, other in zip(before, after, strict=True):
            assert (one is None) == (other is None)
            assert one is None or (one.tolist() == other.tolist() and one.dtype == other.dtype)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"distill": {"beta": 1.0}}, "either distill.teacher"),
        ({"distill": {"beta": 1.0, "teacher": "x"}}, "reject_zero_advantage = false"),
        (
            {
                "distill": {"beta": 1.0, "teacher": "x"},
                "loss": {"reject_zero_advantage": False},
                "rollout": {"temperature": 0.7},
            },
            "rollout.temperature = 1",
        ),
    ],
)
def test_a_teacher_that_cannot_teach_is_refused(changes, said):
    with pytest.raises(ConfigError) as caught:
        check(resolve({"name": "t", "stages": [STAGE], **changes}), 1)
    assert said in str(caught.value)
