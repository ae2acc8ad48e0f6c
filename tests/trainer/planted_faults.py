"""Faults in the program: each is planted in a process of its own, which then does what `or1-trainer` does."""

import dataclasses

from msgspec.structs import replace


def command_line_with(fault, *arguments):
    """`forked.command_line`, with one of the functions below called first."""
    from forked import command_line

    globals()[fault]()
    command_line(*arguments)


def stale_weights():
    """Every weight sync sends the first one's weights again."""
    from or1_rollout.weight_sync import TensorStream
    from or1_trainer.train.weight_sync import WeightSnapshot

    first, send = [], WeightSnapshot.send

    def send_first(self, fleet):
        if not first:
            weights = TensorStream({name: tensor.clone() for name, tensor in self.weights})
            first.append(dataclasses.replace(self, weights=weights))
        send(dataclasses.replace(first[0], version=self.version), fleet)

    WeightSnapshot.send = send_first


def changed_token():
    """The last token of each first response is another one."""

    def change(completion):
        token_ids = completion.token_ids.copy()
        token_ids[-1] ^= 1
        return dataclasses.replace(completion, token_ids=token_ids)

    _change_first_completions(change)


def changed_logprob():
    """The log-prob of one token is off by the last bit or so."""

    def change(completion):
        logprobs = completion.logprobs.copy()
        logprobs[0] *= 1.000001
        return dataclasses.replace(completion, logprobs=logprobs)

    _change_first_completions(change)


def lenient_verifier():
    """The first response of each group is right."""
    from or1_reward.types import Status, Verdict
    from or1_trainer.train import judging

    verdicts_of = judging.verdicts_of
    judging.verdicts_of = lambda pending: [Verdict(status=Status.CORRECT), *verdicts_of(pending)[1:]]


def lost_moments():
    """A resume begins with a fresh optimizer."""
    from or1_trainer.policy.optimizer.adamw import AdamW

    AdamW.load = lambda self, folder: None


def lost_place_in_the_data():
    """A resume begins with the first problem again."""
    _change_state(taken=0)


def lost_entropy_coefficient():
    """A resume has another coefficient of the entropy bonus."""
    _change_state(entropy_coefficient=0.5)


def gradient_that_is_not_a_number():
    """Of every optimizer step."""
    from or1_trainer.train import update

    policy_loss = update.policy_loss

    def poisoned(*arguments, **options):
        loss, shares = policy_loss(*arguments, **options)
        return loss * float("nan"), shares

    update.policy_loss = poisoned


def _change_first_completions(change):
    from or1_trainer.train.fleet import Fleet

    sample = Fleet.sample

    def sample_changed(self, prompts, params, *, on_group=None, **more):
        def changed(index, completions):
            on_group(index, [change(completions[0]), *completions[1:]])

        return sample(self, prompts, params, on_group=on_group and changed, **more)

    Fleet.sample = sample_changed


def _change_state(**changed):
    from or1_trainer.train import checkpoint

    read_state = checkpoint.read_state
    checkpoint.read_state = lambda path: replace(read_state(path), **changed)
