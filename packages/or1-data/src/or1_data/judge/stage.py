"""The judge stage: every model votes several times on every statement; every vote is kept.

The report asks two models 16 times each and keeps a problem with 9 or more votes for it out of 32: a filter that only
takes what nearly all votes reject.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.resources import files
from itertools import islice
from typing import Any, Final

import msgspec

from or1_data.endpoint import Endpoint, EndpointSettings
from or1_data.errors import ConfigError
from or1_data.schema import Problem

NOTE: Final = "judge"
_VERDICT: Final = re.compile(r"VERDICT\W{0,6}(ACCEPT|REJECT)\b", re.I)


class JudgeSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which models vote and how often. An unreadable answer is stored as such and is a vote for nothing."""

    endpoints: tuple[EndpointSettings, ...] = ()
    votes: int = 16
    """Votes of each model on each problem."""
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse what cannot work."""
        if self.votes < 1:
            raise ConfigError("judge.votes must be at least 1")
        models = [endpoint.model for endpoint in self.endpoints]
        if len(set(models)) != len(models):
            raise ConfigError(f"judge.endpoints: each model once, got {models}")


@cache
def judge_prompt() -> str:
    """The prompt that the judges get, with `{statement}` in it."""
    return files("or1_data.judge").joinpath("prompt.txt").read_text(encoding="utf-8")


def annotate_votes(problems: Iterable[Problem], settings: JudgeSettings, *, batch: int = 64) -> Iterator[Problem]:
    """Each problem with the note `judge`.

    The note has, per model, the string of its votes (A, R, or ? for an unreadable answer), and `accepted`.
    Votes that a row already has are kept; only missing ones are asked for.
    """
    if not settings.endpoints:
        raise ConfigError("judge needs at least one endpoint; give [[judge.endpoints]] with url and model")
    rows = iter(problems)
    while chunk := list(islice(rows, batch)):
        yield from asyncio.run(_judged(chunk, settings))


async def _judged(problems: list[Problem], settings: JudgeSettings) -> list[Problem]:
    tallies: list[dict[str, str]] = [dict((problem.notes.get(NOTE) or {}).get("votes") or {}) for problem in problems]
    for endpoint_settings in settings.endpoints:
        async with Endpoint(endpoint_settings) as endpoint:
            model = endpoint_settings.model
            asked = (
                _votes(endpoint, p, tally.get(model, ""), settings) for p, tally in zip(problems, tallies, strict=True)
            )
            for tally, votes in zip(tallies, await asyncio.gather(*asked), strict=True):
                tally[model] = votes
    return [problem.with_note(NOTE, note_of(tally)) for problem, tally in zip(problems, tallies, strict=True)]


async def _votes(endpoint: Endpoint, problem: Problem, have: str, settings: JudgeSettings) -> str:
    content = judge_prompt().replace("{statement}", problem.statement)
    messages = [{"role": "user", "content": content}]

    async def vote(number: int) -> str:
        answer = await endpoint.complete(messages, seed=_seed(problem.id, number, settings.seed))
        return read_vote(answer.text)

    return have + "".join(await asyncio.gather(*(vote(number) for number in range(len(have), settings.votes))))


def read_vote(answer: str) -> str:
    """A for accept, R for reject, ? where the answer has no verdict; the last verdict counts."""
    found = _VERDICT.findall(answer)
    return {"ACCEPT": "A", "REJECT": "R"}[found[-1].upper()] if found else "?"


def note_of(tally: dict[str, str]) -> dict[str, Any]:
    """The note: every vote, and how many accept of how many."""
    return {
        "votes": tally,
        "accepted": sum(v.count("A") for v in tally.values()),
        "asked": sum(map(len, tally.values())),
    }


def _seed(problem_id: str, number: int, seed: int) -> int:
    digest = hashlib.sha256(f"{seed}:{problem_id}:{number}".encode()).digest()
    return int.from_bytes(digest[:4], "big") >> 1
