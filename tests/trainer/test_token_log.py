"""The tokens kept of an update: the step's own loss, entropy and clip rate can be computed from them."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

sys.path.append(str(Path(__file__).parent))
from whole_runs import MICRO, run_ranks

from or1_trainer.algorithm.fixed_inputs import FixedInputs
from or1_trainer.algorithm.packing import Sample, pack
from or1_trainer.algorithm.policy_loss import Extent
from or1_trainer.config.schema import LossSettings
from or1_trainer.metrics.log import read_metrics
from or1_trainer.metrics.rollout_log import TokenValues, read_rollouts, rollout_files
from or1_trainer.policy.token_stats import TokenStats
from or1_trainer.train.distribute import Minibatch
from or1_trainer.train.token_log import TokenLog

RECIPE = f"""
name = "tokens"
{MICRO}[[stages]]
steps = 3
context_tokens = 24
prompts = 6
group = 4
[rollout]
ahead = 1
[optimizer]
lr = 2e-2
[eval]
k = 1
every = 0
[checkpoint]
every = 0
[watch]
rollout_share = 1.0
token_groups = 6
"""


@pytest.fixture(scope="module")
def folder(cache, tmp_path_factory):
    """Every token of every group, in two data ranks; the third step trains on the samples of older weights."""
    room = tmp_path_factory.mktemp("tokens")
    (room / "tokens.toml").write_text(RECIPE)
    run_ranks(cache, 2, "train", room / "tokens.toml", "--run-dir", room / "run", "--parallel.data", 2)
    return room / "run"


def test_the_loss_is_that_of_the_kept_tokens(folder):
    """Eq. 3.1 with the report's clipping, summed over what the rollout log has, against the row of the same step."""
    rows = {int(row["step"]): row for row in read_metrics(folder / "metrics.jsonl")}
    clipped_at_all = 0
    for step, path in rollout_files(folder):
        trained = [record for record in read_rollouts(path) if record.policy is not None]
        row = rows[step]
        if not trained:
            assert row["tokens/trained"] == 0
            continue
        advantages = np.concatenate([[record.advantage] * record.num_tokens for record in trained])
        behavior, policy, entropies, ratios = (
            np.concatenate([part(record) for record in trained])
            for part in (
                lambda record: record.logprobs,
                lambda record: record.policy.logprobs,
                lambda record: record.policy.entropies,
                lambda record: record.policy.ratios,
            )
        )
        assert len(ratios) == row["tokens/trained"] == len(advantages)
        np.testing.assert_allclose(np.exp(policy - behavior), ratios, rtol=3e-4, atol=1e-4)
        objective = np.minimum(ratios * advantages, np.clip(ratios, 0.8, 1.2) * advantages)
        assert -objective.mean() == pytest.approx(row["loss/policy"], abs=3e-4)
        assert entropies.mean() == pytest.approx(row["policy/entropy"], abs=1e-4)
        cut = np.concatenate([np.isin(np.arange(r.num_tokens), r.policy.clipped) for r in trained])
        outside = ((ratios < 0.8) & (advantages < 0)) | ((ratios > 1.2) & (advantages > 0))
        assert (cut == outside).all()
        assert cut.mean() == pytest.approx(row["policy/clip_low_rate"] + row["policy/clip_high_rate"])
        clipped_at_all += int(cut.sum())
    assert clipped_at_all > 0


def test_observations_have_no_numbers_and_keep_the_places_of_the_others():
    """Three tokens, of which the second is an observation; the ratio of the third is 2, of a good response."""
    sample = Sample(
        prompt_ids=[1], response_ids=[2, 3, 4], advantage=1.0, is_sampled=np.array([True, False, True]), name=(5, 0)
    )
    batch = pack([sample, replace(sample, name=(6, 0))])
    logprobs_M = torch.log(torch.tensor([0.5, 0.8, 0.5, 0.8]))
    fixed = FixedInputs(
        trainer_M=logprobs_M,
        proximal_M=torch.log(torch.tensor([0.5, 0.4, 0.5, 0.4])),
        advantages_M=batch.advantages_M,
        sequence_M=batch.sequence_M,
        lengths_B=batch.lengths_B,
    )
    minibatch = Minibatch(samples=[sample], extent=Extent(num_tokens=2, num_sequences=1, context_tokens=3))
    log = TokenLog.of([minibatch], {5}, LossSettings())
    log.add(batch, TokenStats(logprobs_M=logprobs_M, entropy_M=torch.tensor([0.1, 0.2, 0.3, 0.4])), fixed)
    assert log._found == {
        (5, 0): TokenValues(
            logprobs=[-0.6931, None, -0.2231], entropies=[0.1, None, 0.2], ratios=[1.0, None, 2.0], clipped=[2]
        )
    }


def test_what_is_not_trained_on_has_no_numbers_of_the_policy(folder):
    records = [record for _, path in rollout_files(folder) for record in read_rollouts(path)]
    for record in records:
        assert record.tokens is not None and len(record.tokens) == len(record.logprobs) == record.num_tokens
        assert (record.policy is None) == (record.advantage is None)
