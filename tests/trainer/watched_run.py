"""Run folders as training writes them, with chosen numbers, for the tests of `watch`."""

from __future__ import annotations

from pathlib import Path

from or1_trainer.metrics.log import MetricsLog
from or1_trainer.metrics.rollout_log import RolloutLog, RolloutRecord, TokenValues

ODD = "</pre><script>window.hacked = 1</script>"
POLICY = TokenValues(logprobs=[-0.5, -6.5], entropies=[1.5, 0.0], ratios=[0.7788, 1.6487], clipped=[1])


def row(step: int, *, shift: float = 0.0) -> dict[str, float | int | str]:
    """A step whose reward is step / 100 + shift; step 7 has a verifier error, which rings an alarm."""
    return {
        "step": step,
        "reward/mean": step / 100 + shift,
        "reward/verifier_errors": 3 if step == 7 else 0,
        "policy/entropy": 0.5,
        "response/length_mean": 10.0**step if step < 5 else 1e5,
        "hash/weights": "00ff",
        "time/rollout_s": 2.0,
        "time/update_s": 1.0,
        "time/step_s": 3.0,
    }


def record(step: int, group: int, sample: int, *, by_token: bool = False) -> RolloutRecord:
    """Sample 0 is right; advantages rise with the sample's number, lengths are 10 * step + sample."""
    response = f"step {step} group {group} sample {sample} {ODD}"
    return RolloutRecord(
        problem_id=f"p{group}",
        prompt=f"What is {group}?",
        response=response,
        status="correct" if sample == 0 else "wrong",
        reward=1.0 if sample == 0 else 0.0,
        advantage=None if sample == 3 else sample - 1.0,
        finish_reason="stop",
        num_tokens=10 * step + sample,
        seed=sample,
        tokens=[response[:4], response[4:]] if by_token else None,
        logprobs=[-0.25, -7.0] if by_token else None,
        policy=POLICY if by_token and sample != 3 else None,
    )


def write_steps(run_dir: Path, first: int, last: int, *, shift: float = 0.0, rollouts: bool = True) -> None:
    """Append the rows of some steps, and the rollouts of two groups of four at each."""
    log = MetricsLog(run_dir)
    for step in range(first, last + 1):
        if rollouts:
            records = [record(step, group, sample, by_token=group == 0) for group in (0, 1) for sample in range(4)]
            RolloutLog(run_dir).write(step, records)
        log.append(row(step, shift=shift))
    log.close()


def new_run(run_dir: Path, steps: int, *, shift: float = 0.0, rollouts: bool = True) -> Path:
    """Make a run of so many steps."""
    run_dir.mkdir()
    (run_dir / "config.toml").write_text('name = "x"\n')
    write_steps(run_dir, 1, steps, shift=shift, rollouts=rollouts)
    return run_dir
