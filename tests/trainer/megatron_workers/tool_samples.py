"""A recipe with a tool: every training sample is rebuilt from its transcript by other means, and compared.

The environment OR1_TEST_RECIPE names the recipe, OR1_TEST_FOLDER an empty folder. Prints what the samples cover.
"""

import os
from pathlib import Path

import numpy as np

from or1_rollout.environments import AskedCalls, Calculator, ToolEnvironment
from or1_trainer.algorithm.packing import pack
from or1_trainer.config.load import read_recipe, resolve
from or1_trainer.live.view import LiveView
from or1_trainer.train.async_rollouts import Rollouts
from or1_trainer.train.build import begin, build_job, running
from or1_trainer.train.initial_policy import starting_policy
from or1_trainer.train.rollout_batch import rollout_round
from or1_trainer.train.stages import position_at
from or1_trainer.train.step_times import StepTimes
from or1_trainer.train.supervised import supervised_step
from or1_trainer.train.training_batch import training_batch

config = resolve(read_recipe(os.environ["OR1_TEST_RECIPE"]))
folder = Path(os.environ["OR1_TEST_FOLDER"])


def rebuilt(completion, tokenizer):
    """Ids and mask of a response from its turns alone: the tool is asked again, its answers encoded again."""
    tool = ToolEnvironment([Calculator()], AskedCalls()).start({}, 0)
    place, ids, mask, shown = 0, [], [], []
    for segment in completion.segments or [None]:
        count = len(completion.token_ids) if segment is None else segment.num_tokens
        sampled = completion.token_ids[place : place + count].tolist()
        place += count
        if segment is not None and not segment.is_sampled:
            ids += shown
            mask += [False] * len(shown)
            continue
        ids += sampled
        mask += [True] * count
        text = tokenizer.decode(sampled, skip_special_tokens=True)
        observation = tool.respond(text)
        shown = [] if observation is None else tokenizer.encode(observation.text, add_special_tokens=False)
    return ids, mask


with running(config) as runtime:
    view = LiveView(0, enabled=False)
    job = build_job(config, folder, starting_policy(config), runtime, view)
    state, rollouts = begin(job), Rollouts(job)
    while (position := position_at(config.stages, state.step)).stage.kind == "sft":
        state = supervised_step(job, rollouts, position, state)
    kept = []
    import or1_trainer.train.training_batch as module

    module.rollout_round = lambda *arguments: kept.append(rollout_round(*arguments)) or kept[-1]
    batch, _ = training_batch(job, position, state, StepTimes(view))
    (rolled, _), tokenizer = kept[0], job.prompts.tokenizer
    responses = {
        (tuple(rolled.prompts[place]), response.completion.token_ids.tobytes()): response
        for place, group in rolled.own.items()
        for response in group
    }
    observed = truncated = 0
    samples = [sample for minibatch in batch.minibatches for sample in minibatch.samples]
    for sample in samples:
        completion = responses[tuple(sample.prompt_ids), np.asarray(sample.response_ids, np.int32).tobytes()].completion
        ids, mask = rebuilt(completion, tokenizer)
        assert list(sample.response_ids) == ids
        assert (np.ones(len(ids), bool) if sample.is_sampled is None else sample.is_sampled).tolist() == mask
        observed += mask.count(False)
        truncated += completion.finish_reason == "length"
        packed = pack([sample])
        assert packed.labels_M.tolist() == [token for token, own in zip(ids, mask, strict=True) if own]
        whole = [*sample.prompt_ids, *ids]
        before = [whole[len(sample.prompt_ids) + place - 1] for place, own in enumerate(mask) if own]
        assert packed.token_ids_T[packed.source_M].tolist() == before
        trainer = job.learner.stats(packed).logprobs_M.detach().numpy()
        engine = np.array(job.fleet.engine.logprobs(list(sample.prompt_ids), ids))
        np.testing.assert_allclose(trainer, engine[np.array(mask)], atol=1e-3)
        np.testing.assert_allclose(packed.engine_logprobs_M.numpy(), trainer, atol=1e-3)
    (minibatch,) = batch.minibatches
    masks = [np.ones(len(one.response_ids)) if one.is_sampled is None else one.is_sampled for one in samples]
    assert minibatch.extent.num_tokens == sum(int(mask.sum()) for mask in masks)
    lengths_PG, totals_PG = batch.groups.outcomes.lengths_PG, batch.groups.outcomes.totals_PG
    assert (lengths_PG <= position.stage.context_tokens).all()
    print(f"samples {len(samples)} observed {observed} truncated {truncated} longest {int(totals_PG.max())}")
    rollouts.close()
    job.close()
