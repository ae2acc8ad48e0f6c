"""Observations of an environment that is not deterministic: kept, read again, and whole after a kill."""

import itertools
import subprocess
import sys

import pytest

from or1_rollout.environments import KeptObservations, Observation
from or1_rollout.errors import RowError

TURNS = ["a", "b", "c", "end"]


class Counting:
    """Answers with a number that never comes twice; `heard` are the turns of its episodes."""

    name, stop, tools, is_deterministic = "counting", (), (), False

    def __init__(self, first=0):
        self.numbers, self.heard = itertools.count(first), []

    def messages(self, messages):
        return messages

    def start(self, problem, seed):
        heard = []
        self.heard.append(heard)
        environment = self

        class Episode:
            def respond(self, turn):
                heard.append(turn)
                return None if turn == "end" else Observation(f"{next(environment.numbers)} {len(heard)}", role=None)

            def close(self):
                pass

        return Episode()


def answers(environment, seed, turns=TURNS):
    episode = environment.start({}, seed)
    return [episode.respond(turn) for turn in turns]


def test_what_was_observed_is_observed_again(tmp_path):
    path = tmp_path / "kept.jsonl"
    first = KeptObservations(Counting(), path)
    before = [answers(first, seed) for seed in (1, 2)]
    first.close()
    inside = Counting(first=1000)
    again = KeptObservations(inside, path)
    assert again.is_deterministic and not inside.is_deterministic
    assert [answers(again, seed) for seed in (1, 2)] == before
    assert inside.heard == [[], []], "nothing was asked again"
    assert answers(again, 3)[0].text.startswith("1000"), "another seed is another response"


def test_an_episode_hears_the_known_turns_before_an_unknown_one(tmp_path):
    path = tmp_path / "kept.jsonl"
    before = answers(KeptObservations(Counting(), path), 1)
    inside = Counting(first=1000)
    after = answers(KeptObservations(inside, path), 1, ["a", "b", "other", "end"])
    assert after[:2] == before[:2]
    assert inside.heard == [["a", "b", "other", "end"]]
    assert after[2].text.endswith(" 3")


def test_a_line_that_a_kill_cut_off_is_observed_anew(tmp_path):
    path = tmp_path / "kept.jsonl"
    before = answers(KeptObservations(Counting(), path), 1)
    whole = path.read_bytes()
    path.write_bytes(whole[:-7])
    inside = Counting(first=1000)
    assert answers(KeptObservations(inside, path), 1) == before  # the last line said that the response ends
    assert path.read_bytes() == whole
    path.write_text('{"key": 1}\n')
    with pytest.raises(RowError, match=r"kept.jsonl:1"):
        KeptObservations(Counting(), path)


def test_what_is_written_survives_a_kill(tmp_path):
    path = tmp_path / "kept.jsonl"
    program = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from or1_rollout.environments import KeptObservations, Observation, SingleTurn\n"
        "kept = KeptObservations(SingleTurn(), Path(sys.argv[1]))\n"
        "for number in range(50):\n"
        "    kept.keep(f'{number}', Observation('x' * number))\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    assert subprocess.run([sys.executable, "-c", program, str(path)], check=False).returncode == -9
    kept = KeptObservations(Counting(), path)
    assert all(kept.known(f"{number}") == (True, Observation("x" * number)) for number in range(50))
