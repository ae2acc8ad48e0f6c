"""Alarms: quiet on a healthy run, raised once when something breaks, with advice."""

from __future__ import annotations

import math

import pytest

from or1_trainer.metrics.alarms import AlarmMonitor, alarms_of


def healthy(step: int) -> dict[str, float | int | str]:
    return {
        "step": step,
        "reward/mean": min(0.2 + step / 100, 0.9),
        "reward/truncated_rate": max(0.5 - step / 50, 0.0),
        "reward/verifier_errors": 0,
        "group/kept_rate": 0.5 if step % 3 else 0.0,
        "loss/total": -0.01,
        "policy/entropy": max(0.6 - step / 100, 0.18),
        "policy/clip_low_rate": 0.001,
        "policy/clip_high_rate": 0.002,
        "optimizer/grad_norm": 0.4,
        "mismatch/mean_abs": 1e-6,
    }


def run(**changed) -> list[dict[str, float | int | str]]:
    """60 steps; from step 31 on, the given keys have other values (functions of the step)."""
    rows = [healthy(step) for step in range(1, 61)]
    for row in rows[30:]:
        row.update({key.replace("__", "/"): value(row["step"]) for key, value in changed.items()})
    return rows


def test_a_healthy_run_is_quiet():
    assert alarms_of([{"step": 0, "eval/avg": 0.1}, *run()]) == []


@pytest.mark.parametrize(
    ("name", "advice", "changed"),
    [
        ("entropy collapse", "entropy.target", {"policy__entropy": lambda _: 0.01}),
        ("entropy blow-up", "entropy.maximum", {"policy__entropy": lambda _: 2.5}),
        ("truncation", "context_tokens", {"reward__truncated_rate": lambda _: 0.8}),
        ("clipped tokens", "optimizer.lr", {"policy__clip_high_rate": lambda _: 0.4}),
        ("mismatch", "dtype", {"mismatch__mean_abs": lambda _: 0.4}),
        ("no signal", "too easy", {"group__kept_rate": lambda _: 0.0}),
        ("verifier errors", "doctor", {"reward__verifier_errors": lambda _: 2}),
        ("not finite", "checkpoint", {"optimizer__grad_norm": lambda _: math.nan}),
    ],
)
def test_each_trouble_is_named_once_with_its_advice_and_soon(name, advice, changed):
    (alarm,) = alarms_of(run(**changed))
    assert alarm.name == name
    assert advice in alarm.text
    assert 31 <= alarm.step <= 36


def test_an_alarm_comes_again_after_it_has_ended():
    rows = run(mismatch__mean_abs=lambda step: 0.4 if step in (35, 36, 50) else 1e-6)
    assert [alarm.step for alarm in alarms_of(rows)] == [35, 50]


def test_a_resumed_run_does_not_raise_old_alarms_again():
    rows = run(policy__entropy=lambda _: 0.01)
    monitor = AlarmMonitor()
    for row in rows[:45]:
        monitor.update(row)
    assert [alarm for row in rows[45:] for alarm in monitor.update(row)] == []


def test_a_policy_that_was_always_certain_has_not_collapsed():
    rows = run()
    for row in rows:
        row["policy/entropy"] = 0.03
    assert alarms_of(rows) == []


def watched(step: int) -> dict[str, float | int | str]:
    """A healthy row of a run with rewards of its own."""
    return healthy(step) | {
        "verdicts/correct": min(0.2 + step / 100, 0.9),
        "verdicts/wrong": max(0.8 - step / 100, 0.1),
        "watch/answer_share": 0.1,
        "watch/rewarded_length": 40.0 + step,
        "watch/rest_length": 50.0 + step,
        "rewards/right.part": min(0.2 + step / 100, 0.9),
        "rewards/style.part": 0.1,
        "rewards/style.failed": 0,
        **({"eval/avg": 0.3 + step / 200, "eval/high": 0.35 + step / 200} if step % 5 == 0 else {}),
    }


def hacked(**changed) -> list[dict[str, float | int | str]]:
    """The same from step 31 on with other values; evaluations stay where they are."""
    rows = [watched(step) for step in range(1, 61)]
    for row in rows[30:]:
        row.update({key: value for key, value in changed.items() if not key.startswith("eval/") or key in row})
    return rows


def test_a_healthy_run_with_rewards_is_quiet():
    assert alarms_of([watched(step) for step in range(1, 61)]) == []


@pytest.mark.parametrize(
    ("name", "advice", "changed"),
    [
        ("held-out falls", "--best", {"eval/avg": 0.2, "eval/high": 0.25}),
        ("length drift", "`length`", {"watch/rewarded_length": 160.0}),
        ("length drift", "`length`", {"watch/rewarded_length": 20.0}),
        ("one answer", "verifier accepts", {"watch/answer_share": 0.8}),
        ("verdicts shift", "of the verdicts are no answer, 0% at the start", {"verdicts/no_answer": 0.6}),
        ("rewards part", "the part of 'style' in it fell", {"rewards/style.part": -0.2}),
        ("constant reward", "lists of messages", {"rewards/style.mean": -0.01, "rewards/style.spread": 0.0}),
        ("reward failed", "style on 3", {"rewards/style.failed": 3}),
    ],
)
def test_each_way_to_earn_a_reward_wrongly_is_named_with_the_rollouts_to_look_at(name, advice, changed):
    (alarm,) = alarms_of(hacked(**changed))
    assert alarm.name == name and advice in alarm.text and 31 <= alarm.step <= 36
    assert name == "reward failed" or f"rollouts/step_{alarm.step:06d}.jsonl" in alarm.text


@pytest.mark.parametrize(
    "evaluations",
    [{1: (0.2, 0.19999999999999998)}, {5: (0.2, 0.19999999999999998), 10: (0.2, 0.19999999999999998)},
     {5: (0.1, 0.15), 10: (0.2, 0.19999999999999998)}],
)  # fmt: skip
def test_an_interval_that_misses_its_mean_by_rounding_is_no_fall(evaluations):
    rows = [healthy(step) | {"reward/mean": 0.02 * step} for step in range(1, 13)]
    for step, (avg, high) in evaluations.items():
        rows[step - 1] |= {"eval/avg": avg, "eval/high": high}
    assert "held-out falls" not in {alarm.name for alarm in alarms_of(rows)}


@pytest.mark.parametrize(
    "changed",
    [
        {"watch/rewarded_length": 160.0, "watch/rest_length": 190.0},  # all responses grow
        {"eval/avg": 0.3, "eval/high": 0.6},  # within the interval
        {"rewards/style.spread": 0.0},  # its groups agree, and differ from each other
        {"verdicts/truncated": 0.9},  # has an alarm of its own, from another number
    ],
)
def test_what_has_another_reason_is_not_called_hacking(changed):
    assert alarms_of(hacked(**changed)) == []
