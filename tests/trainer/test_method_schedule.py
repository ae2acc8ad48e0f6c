"""The learning-rate schedule, and the rule that ends a stage."""

import math
import random

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from or1_trainer.algorithm.schedule import Schedule, optimizer_steps
from or1_trainer.algorithm.stage_convergence import has_converged
from or1_trainer.config.schema import StageSettings


@given(st.sampled_from(["constant", "linear", "cosine"]), st.integers(0, 9), st.integers(1, 60), st.floats(0, 1))
def test_the_rate_warms_up_never_starts_at_zero_and_only_falls_after(kind, warmup, decay, share):
    schedule = Schedule(kind=kind, warmup_steps=warmup, decay_steps=warmup + decay, final_share=share)
    rates = [schedule.rate(2.0, step) for step in range(warmup + decay + 5)]
    assert rates[0] > 0 and rates[warmup] == 2.0
    assert rates[: warmup + 1] == sorted(rates[: warmup + 1])
    assert rates[warmup:] == sorted(rates[warmup:], reverse=True)
    assert rates[-1] == pytest.approx(2.0 if kind == "constant" else 2.0 * share)


@pytest.mark.parametrize(
    ("kind", "theirs"),
    [
        ("linear", lambda o: torch.optim.lr_scheduler.LinearLR(o, start_factor=1.0, end_factor=0.25, total_iters=20)),
        ("cosine", lambda o: torch.optim.lr_scheduler.CosineAnnealingLR(o, T_max=20, eta_min=0.75)),
    ],
)
def test_it_is_the_schedule_that_torch_has_under_that_name(kind, theirs):
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=3.0)
    scheduler = theirs(optimizer)
    schedule = Schedule(kind=kind, decay_steps=20, final_share=0.25)
    for step in range(20):
        assert schedule.rate(3.0, step) == pytest.approx(optimizer.param_groups[0]["lr"], rel=1e-9)
        optimizer.step()
        scheduler.step()


def curve(steps, *, reward_until, truncated_until):
    """Reward rises and truncation falls, each until a step of its own, with noise."""
    noise = random.Random(0)
    return [
        (
            0.2 + 0.4 * min(step / reward_until, 1) + noise.gauss(0, 0.02),
            0.4 - 0.3 * min(step / truncated_until, 1) + noise.gauss(0, 0.02),
        )
        for step in range(steps)
    ]


def first_end(history, window):
    return next(
        (n for n in range(len(history)) if has_converged(history[:n], window_steps=window, gain=0.01)), math.inf
    )


def test_a_stage_ends_when_reward_and_truncation_have_both_stopped():
    assert 100 < first_end(curve(400, reward_until=100, truncated_until=40), 40) < 200
    assert 160 < first_end(curve(400, reward_until=20, truncated_until=160), 40) < 260, "truncation still falls"
    assert first_end(curve(300, reward_until=300, truncated_until=20), 40) == math.inf
    assert first_end([(0.5, 0.1)] * 100, 40) == 80, "two whole windows, not before"


def test_a_falling_reward_has_converged_too():
    assert has_converged([(0.9, 0.0)] * 5 + [(0.2, 0.0)] * 5, window_steps=5, gain=0.01)


def test_a_recipe_has_as_many_optimiser_steps_as_its_stages_have_mini_batches_and_passes():
    stages = [
        StageSettings(steps=10, context_tokens=8, prompts=8, group=2),
        StageSettings(steps=5, context_tokens=8, prompts=8, group=2, mini_prompts=2),
    ]
    assert optimizer_steps(stages, reuse=1) == 10 + 5 * 4
    assert optimizer_steps(stages, reuse=3) == 3 * 30
