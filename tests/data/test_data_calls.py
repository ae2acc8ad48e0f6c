"""The store of paid calls, and the queue that makes them."""

from __future__ import annotations

import asyncio
import json
import random
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from or1_data import Problem, make_problem
from or1_data.calls import Call, CallStore, Completion
from or1_data.calls import store as store_module
from or1_data.calls.store import call_key
from or1_data.difficulty import DifficultySettings, counts_of, estimate_difficulty
from or1_data.errors import RunError

KEYS, CALLS_PER_KEY, ALLOWED_BYTES = 50_000, 8, 48 << 20
LIMITED = """
import resource, sys
from or1_data.calls.store import Call, CallStore, call_key
keys, per_key, allowed, folder = *map(int, sys.argv[1:4]), sys.argv[4]
CallStore().put(call_key("warm"), 0, Call())
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + allowed,) * 2)
with CallStore(folder) as store:
    found = [store.get(call_key(key), key % per_key).reward for key in range(keys)]
print(sum(found))
"""


def line(key: str, number: int, **call: object) -> str:
    return json.dumps({"key": key, "number": number, **call}) + "\n"


def test_the_memory_of_a_store_does_not_grow_with_its_calls(tmp_path: Path) -> None:
    with (tmp_path / "host-1-1.jsonl").open("w") as stream:
        for key in range(KEYS):
            name = call_key(key)
            stream.writelines(line(name, number, reward=float(number)) for number in range(CALLS_PER_KEY))
    command = [sys.executable, "-c", LIMITED, *map(str, (KEYS, CALLS_PER_KEY, ALLOWED_BYTES, tmp_path))]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) == sum(key % CALLS_PER_KEY for key in range(KEYS))


def test_what_another_process_pays_meanwhile_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_module, "_LOOK_AGAIN_S", -1.0)
    first, other = call_key("first"), call_key("other")
    with CallStore(tmp_path) as ours, CallStore(tmp_path) as theirs:
        ours.put(first, 0, Call(vote="A"))
        assert theirs.get(first, 0) == Call(vote="A") and theirs.get(first, 1) is None
        ours.put(first, 1, Call(vote="R"))
        theirs.put(other, 0, Call(reward=0.5))
        assert theirs.get(first, 1) == Call(vote="R") and ours.get(other, 0) == Call(reward=0.5)
        half = line(other, 7, vote="A")
        (tmp_path / "host-1-1.jsonl").write_text(half[:-9])
        assert ours.get(other, 7) is None
        (tmp_path / "host-1-1.jsonl").write_text(half)
        assert ours.get(other, 7) == Call(vote="A")


def test_the_later_word_on_a_call_counts_whatever_its_file_is_called(tmp_path: Path) -> None:
    key = call_key("judged twice")
    (tmp_path / "zebra-7-999.jsonl").write_text(line(key, 0, text="the verifier failed"))
    (tmp_path / "ant-7-1000.jsonl").write_text(line(key, 0, reward=1.0))
    with CallStore(tmp_path) as store:
        assert store.get(key, 0) == Call(reward=1.0)


@pytest.mark.parametrize("text", ["no json\n", '{"key": "nothex", "number": 0}\n', '{"number": 0}\n', '{"key": 3}\n'])
def test_a_file_that_is_none_of_paid_calls_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "notes.jsonl").write_text(text)
    with pytest.raises(RunError, match=r"notes\.jsonl: not a file of paid calls .* move it out"):
        CallStore(tmp_path)


class Model:
    """Answers each request after a number of turns of the event loop of its own; counts the requests that are open."""

    slots = 8

    def __init__(self) -> None:
        self.rng, self.open, self.seen = random.Random(3), 0, []

    async def __aenter__(self) -> Model:
        return self

    async def __aexit__(self, *_: object) -> None:
        pass

    async def complete(self, messages: list[dict[str, str]], *, seed: int) -> Completion:
        self.open += 1
        for _ in range(self.rng.choice([1, 3, 10, 100])):
            await asyncio.sleep(0.0005)
        self.seen.append(self.open)
        self.open -= 1
        return Completion(self.rng.choice(["right", "wrong", "wrong"]))


def verify(response: str, ground_truth: str) -> SimpleNamespace:
    return SimpleNamespace(status="x", reward=float(response == "right"), extracted="")


def rows(count: int) -> list[Problem]:
    return [make_problem(f"How many birds has roof {n}?", "1", ability="math", data_source="s") for n in range(count)]


def test_every_slot_is_busy_until_the_last_rows_though_each_row_stops_early() -> None:
    model, problems = Model(), rows(120)
    settings = DifficultySettings(model="m", attempts=16, round=4)
    found = list(estimate_difficulty(problems, model, verify, settings))
    assert [problem.id for problem in found] == [problem.id for problem in problems]
    counts = [counts_of(problem)["m"] for problem in found]
    assert all(count.num_attempts == 16 or 0 < count.num_correct < count.num_attempts for count in counts)
    assert len(model.seen) == sum(count.num_attempts for count in counts) < 120 * 16
    assert max(model.seen) == model.slots
    busy = model.seen[: -2 * model.slots]
    # A slot is free for the one turn of the loop in which the next request wakes up.
    assert sum(open_requests >= model.slots - 1 for open_requests in busy) > 0.9 * len(busy)
