"""The calls of a stage made on several machines at once, into the store that they share."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Final

from msgspec.structs import replace

from or1_data.calls import CallStore
from or1_data.calls.servers import ServedModelSettings
from or1_data.run.engines import Engine
from or1_data.run.model_rows import annotated_by_model, passes_by
from or1_data.run.parts import Part, read_parts
from or1_data.run.recipe import Recipe

_SHARE_DIGITS: Final = 8


def pay_on_machines(engine: Engine, name: str, recipe: Recipe, sources: Sequence[Part], store: Path) -> dict[str, str]:
    """Make the calls of a stage on all machines at once, into the store; returns which prompts were refused, and why.

    A problem belongs to one machine by its id, so none is asked for twice; what a killed machine had paid, the one that
    takes over its share finds in the store.
    """
    shares = engine.machines
    pay = partial(_pay, name, _of_one_machine(recipe, shares), sources, store)
    found = engine.map(pay, [(share, shares) for share in range(shares)], spread=True)
    return {key: why for _, refused in found for key, why in refused.items()}


def _pay(name: str, recipe: Recipe, sources: Sequence[Part], store: Path, share: tuple[int, int]) -> dict[str, str]:
    number, shares = share
    with CallStore(store) as calls:
        mine = (row for row in read_parts(sources) if int(row.id[:_SHARE_DIGITS], 16) % shares == number)
        asked = (row for row in mine if not passes_by(row, recipe))
        for _ in annotated_by_model(name, recipe, asked, calls):
            pass
        return calls.refused


def _of_one_machine(recipe: Recipe, shares: int) -> Recipe:
    """With its share of the requests that may be open at a server, and of those per minute."""

    def divided(endpoint: ServedModelSettings) -> ServedModelSettings:
        minute = endpoint.requests_per_minute
        return replace(
            endpoint,
            concurrency=math.ceil(endpoint.concurrency / shares),
            requests_per_minute=max(1, minute // shares) if minute else 0,
        )

    difficulty, judge = recipe.difficulty, recipe.judge
    if difficulty is not None and difficulty.endpoint is not None:
        difficulty = replace(difficulty, endpoint=divided(difficulty.endpoint))
    if judge is not None:
        judge = replace(judge, endpoints=tuple(map(divided, judge.endpoints)))
    return replace(recipe, difficulty=difficulty, judge=judge)
