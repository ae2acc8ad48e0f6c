"""An environment that answers some turns, and the check that a response's turns were sampled one after the other."""

from dataclasses import replace

import numpy as np
import pytest

from or1_rollout import SamplingParams
from or1_rollout.environments import MultiTurnEngine, Observation, TurnLimits
from or1_rollout.seeds import turn_seed


class Talker:
    """Answers `turns` times with a text of the turn, seed and number; an episode of its own per response."""

    name, tools, is_deterministic = "talker", (), True

    def __init__(self, turns=3, pause=lambda: None, stop=("e", "7")):
        self.turns, self.pause, self.stop, self.closed = turns, pause, stop, 0

    def messages(self, messages):
        return messages

    def start(self, problem, seed):
        return TalkerEpisode(self, problem, seed)


class TalkerEpisode:
    def __init__(self, environment, problem, seed):
        self.environment, self.problem, self.seed, self.heard = environment, problem, seed, []

    def respond(self, turn):
        self.environment.pause()
        self.heard.append(turn)
        if len(self.heard) > self.environment.turns:
            return None
        return Observation(f"={len(turn) + self.seed % 10}{'-' * len(self.heard)};")

    def close(self):
        self.environment.closed += 1


def check_turns(engine, environment, prompt, completion, params):
    """Draw every turn again alone, from the tokens before it, and make every observation again; how many turns."""
    context, turns, left = engine.encode(prompt), [""], params.max_new_tokens
    places = np.cumsum([0, *(segment.num_tokens for segment in completion.segments)])
    episode = environment.start({"prompt": prompt}, completion.seed)
    for number, segment in enumerate(completion.segments):
        ids = completion.token_ids[places[number] : places[number + 1]].tolist()
        if segment.is_sampled:
            most = left if segment.ends_turn else len(ids)
            alone = replace(params, n=1, max_new_tokens=most, stop=tuple(environment.stop))
            ((again,),) = engine.generate([context], alone, seeds=[[turn_seed(completion.seed, number)]])
            assert again.token_ids.tolist() == ids
            turns[len(turns) - 1 :] = [turns[-1] + segment.text, *([""] * segment.ends_turn)]
            left -= len(ids)
        else:
            assert ids == engine.tokenizer.encode(episode.respond(turns[-2]).text)
        context = context + ids
    assert context == engine.encode(prompt) + completion.token_ids.tolist()
    assert completion.num_sampled == params.max_new_tokens - left
    return len(turns) - 1


def check_every_turn(engine, prompts):
    """Sample responses of several turns; draw every turn again alone, and ask the engine for every log-prob again."""
    environment = Talker(stop=("e", "7", "+", "a"))
    params = SamplingParams(n=2, max_new_tokens=40, seed=3)
    groups = MultiTurnEngine(engine, environment, engine.tokenizer, limits=TurnLimits(turns=6)).generate(
        prompts, params
    )
    several = [(p, c) for p, group in zip(prompts, groups, strict=True) for c in group if c.segments]
    assert several
    for prompt, completion in several:
        assert check_turns(engine, environment, prompt, completion, params) > 1
        expected = engine.logprobs(prompt, completion.token_ids.tolist())
        for own, logprob, known in zip(completion.is_sampled_T, completion.logprobs, expected, strict=True):
            assert logprob == (pytest.approx(known, abs=1e-3) if own else 0.0)
