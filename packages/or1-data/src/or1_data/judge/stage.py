"""The judge stage: every model votes several times on every statement; every vote is kept.

Skywork-OR1 (arXiv 2505.22312, data preparation) asks two models 16 times each and keeps a problem with 9 or more votes
for it out of 32: a filter that only takes what nearly all votes reject.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import cache, partial
from importlib.resources import files
from typing import Annotated, Any, Final

import msgspec

from or1_data.calls import Call, CallStore, ChatModel, Completion, PromptRefused
from or1_data.calls.queue import ROWS_PER_SLOT, Once, in_order, iterate
from or1_data.calls.servers import ServedModel, ServedModelSettings
from or1_data.calls.store import call_key
from or1_data.errors import ConfigError
from or1_data.schema import Problem

NOTE: Final = "judge"
NO_VOTE: Final = "?"
_VERDICT: Final = re.compile(r"VERDICT\W{0,6}(ACCEPT|REJECT)\b", re.I)
_REFUSED_CHARS: Final = 300


class JudgeSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which models vote and how often. An answer that is unreadable, empty or cut off is no vote."""

    endpoints: tuple[ServedModelSettings, ...] = ()
    votes: Annotated[int, msgspec.Meta(ge=1)] = 16
    """Votes of each model on each problem."""
    seed: int = 0
    """Seed of the votes."""

    def __post_init__(self) -> None:
        """Refuse two judges of one name."""
        models = [endpoint.model for endpoint in self.endpoints]
        if len(set(models)) != len(models):
            raise ConfigError(f"judge.endpoints: name each model once, got {models}")


@cache
def judge_prompt() -> str:
    """The prompt that the judges get, with `{statement}` in it."""
    return files("or1_data.judge").joinpath("prompt.txt").read_text(encoding="utf-8")


def annotate_votes(
    problems: Iterable[Problem],
    settings: JudgeSettings,
    *,
    judges: Mapping[str, ChatModel] | None = None,
    store: CallStore | None = None,
) -> Iterator[Problem]:
    """Each problem with the note `judge`.

    The note has, per model, the string of its votes (A, R, or ? for no vote), how many accept, and under `refused` what
    a server said that refuses the statement. Votes that a row or the store already has are not asked for again.
    `judges` are models of one's own by name; the default are the endpoints of the settings.
    """
    models = dict(judges) if judges is not None else {e.model: ServedModel(e) for e in settings.endpoints}
    if not models:
        raise ConfigError("judge needs at least one endpoint; give [[judge.endpoints]] with url and model")
    panel = _Panel(models, settings, store or CallStore())
    return iterate(lambda: panel.all(problems), _opened(list(models.values())))


@asynccontextmanager
async def _opened(models: Sequence[ChatModel]) -> AsyncIterator[None]:
    async with AsyncExitStack() as stack:
        for model in models:
            await stack.enter_async_context(model)
        yield


class _Panel:
    """All judges over all rows at once, each with its own slots."""

    def __init__(self, models: Mapping[str, ChatModel], settings: JudgeSettings, store: CallStore) -> None:
        self.models, self.settings, self.store = models, settings, store
        self.once = Once[str]()
        self.sampling = {endpoint.model: endpoint.sampling for endpoint in settings.endpoints}

    async def all(self, problems: Iterable[Problem]) -> AsyncIterator[Problem]:
        self.slots = {name: asyncio.Semaphore(model.slots) for name, model in self.models.items()}
        window = ROWS_PER_SLOT * max(model.slots for model in self.models.values())
        async for problem in in_order(problems, self._row, window):
            yield problem

    async def _row(self, problem: Problem) -> Problem:
        earlier = (problem.notes.get(NOTE) or {}).get("votes") or {}
        names = list(self.models)
        asked = await asyncio.gather(*(self._votes(problem, name, earlier.get(name, "")) for name in names))
        votes = dict(earlier) | {name: votes for name, (votes, _) in zip(names, asked, strict=True)}
        refused = {name: why for name, (_, why) in zip(names, asked, strict=True) if why}
        return problem.with_note(NOTE, note_of(votes) | ({"refused": refused} if refused else {}))

    async def _votes(self, problem: Problem, name: str, have: str) -> tuple[str, str]:
        """A model's votes, and what its server said if it refuses the prompt."""
        content = judge_prompt().replace("{statement}", problem.statement)
        key = call_key("vote", problem.id, content, name, self.sampling.get(name), self.settings.seed)
        numbers = range(len(have), self.settings.votes)
        asked = (
            self.once((key, number), partial(self._vote, key, problem, name, number, content)) for number in numbers
        )
        outcomes = await asyncio.gather(*asked, return_exceptions=True)
        refused = ""
        for outcome in outcomes:
            if isinstance(outcome, PromptRefused):
                refused = str(outcome)[:_REFUSED_CHARS]
            elif isinstance(outcome, BaseException):
                raise outcome
            else:
                have += outcome
        return have, refused

    async def _vote(self, key: str, problem: Problem, name: str, number: int, content: str) -> str:
        known = self.store.get(key, number)
        if known is not None:
            return known.vote
        async with self.slots[name]:
            if why := self.store.refused.get(key):
                raise PromptRefused(why)
            messages = [{"role": "user", "content": content}]
            try:
                answer = await self.models[name].complete(messages, seed=_seed(problem.id, number, self.settings.seed))
            except PromptRefused as refusal:
                self.store.refused[key] = str(refusal)
                raise
        vote = read_vote(answer)
        self.store.put(key, number, Call(vote=vote, truncated=answer.truncated, num_tokens=answer.num_tokens))
        return vote


def read_vote(answer: Completion) -> str:
    """A for accept, R for reject, ? where the answer has no verdict or was cut off; the last verdict counts."""
    found = [] if answer.truncated else _VERDICT.findall(answer.text)
    return {"ACCEPT": "A", "REJECT": "R"}[found[-1].upper()] if found else NO_VOTE


def note_of(votes: Mapping[str, str]) -> dict[str, Any]:
    """The note: every vote, and how many accept of how many asked."""
    return {
        "votes": dict(votes),
        "accepted": sum(v.count("A") for v in votes.values()),
        "asked": sum(map(len, votes.values())),
    }


def _seed(problem_id: str, number: int, seed: int) -> int:
    digest = hashlib.sha256(f"{seed}:{problem_id}:{number}".encode()).digest()
    return int.from_bytes(digest[:4], "big") >> 1
