"""From a response and its golds to a verdict: extract, judge against each gold, say what was taken and proved."""

from __future__ import annotations

import logging
from dataclasses import replace
from functools import lru_cache
from typing import Final

from or1_reward.ground_truth import MathTruth
from or1_reward.maths.budget import BudgetError, limited
from or1_reward.maths.equal.ladder import Outcome, SymbolicFailureError, judge
from or1_reward.maths.extract.boxes import BOX, Extraction, boxed_content
from or1_reward.maths.extract.response import extract
from or1_reward.maths.parse.nodes import Node
from or1_reward.maths.parse.parser import parse
from or1_reward.maths.parse.phrases import as_formula
from or1_reward.maths.parse.spelling import canonical, tidy
from or1_reward.maths.parse.tokens import ParseError
from or1_reward.maths.settings import MathSettings
from or1_reward.types import Limits, Status, Verdict

_LOG: Final = logging.getLogger(__name__)
_SHOWN_CHARS: Final = 500
_SOLUTION_CHARS: Final = 25  # a gold that is a whole solution is longer than answers are
_RANK: Final = {
    status: rank
    for rank, status in enumerate(
        (
            Status.CORRECT,
            Status.VERIFIER_ERROR,
            Status.TIME_LIMIT,
            Status.MEMORY_LIMIT,
            Status.WRONG,
            Status.UNPARSABLE,
            Status.NO_ANSWER,
        )
    )
}


def verify_maths(text: str, truth: MathTruth, settings: MathSettings, limits: Limits) -> Verdict:
    """Judge the answer in `text`, the part of a response behind its reasoning.

    The verdict takes no more CPU time in this process than `settings.time_s` and `limits` allow, and never raises: a
    defect of ours is a `verifier_error`.
    """
    with limited(min(settings.time_s, limits.time_s, limits.cpu_time_s or limits.time_s), limits.memory_mb):
        try:
            return _verdict(text, truth, settings, limits)
        except BudgetError as error:
            return Verdict(status=Status.TIME_LIMIT, detail=str(error))
        except RecursionError:
            return Verdict(status=Status.UNPARSABLE, detail="the answer is nested too deeply")
        except MemoryError:
            return Verdict(status=Status.MEMORY_LIMIT, detail="no memory left to judge the answer")
        except Exception as error:  # noqa: BLE001  the boundary: nothing that a model writes ends a run
            _LOG.exception("a maths verdict failed")
            return Verdict(status=Status.VERIFIER_ERROR, detail=f"{type(error).__name__}: {error}"[:_SHOWN_CHARS])


def _verdict(text: str, truth: MathTruth, settings: MathSettings, limits: Limits) -> Verdict:
    found = extract(text, _acceptable, boxed_only=settings.extraction == "boxed")
    if found is None:
        return Verdict(status=Status.NO_ANSWER, detail="no answer found: no box, phrase, formula or number")
    best = Outcome(Status.NO_ANSWER, "")
    for gold in truth.alternatives:
        try:
            outcome = _against(found, _gold_answer(gold), settings)
        except BudgetError as error:
            outcome = Outcome(Status.TIME_LIMIT, str(error))
        if outcome.status is not Status.CORRECT and not found.boxes and _is_gold(text, gold):
            outcome, found = Outcome(Status.CORRECT, "same text"), Extraction(text.strip(), "whole response")
        if _RANK[outcome.status] <= _RANK[best.status]:
            best = outcome
        if best.status is Status.CORRECT:
            break
        if outcome.status is Status.TIME_LIMIT:
            settings = replace(settings, symbolic_time_s=0.0)  # one verdict waits for one time limit, once
    shown = found.text if len(found.text) <= _SHOWN_CHARS else found.text[:_SHOWN_CHARS] + "..."
    return Verdict(status=best.status, extracted=shown, detail=f"{found.rule}; {best.evidence}")


def _against(found: Extraction, gold: str, settings: MathSettings) -> Outcome:
    r"""Judge against one gold; a gold that lists several answers is also met by as many boxes.

    Boxes side by side that all hold the gold (`\boxed{0.5}` or `\boxed{\frac12}`) are one answer, said twice.
    """
    try:
        outcome = judge(found.text, gold, settings)
        if outcome.status is not Status.CORRECT and len(found.beside) > 1:
            each = [judge(box, gold, settings) for box in found.beside]
            if all(one.status is Status.CORRECT for one in each):
                return each[-1]
        if outcome.status is not Status.CORRECT and len(found.boxes) > 1 and _lists(gold, len(found.boxes)):
            together = judge(" , ".join(found.boxes), gold, settings)
            return together if together.status is Status.CORRECT else outcome
    except SymbolicFailureError as error:
        return Outcome(Status.VERIFIER_ERROR, str(error))
    return outcome


def _is_gold(text: str, gold: str) -> bool:
    """Whether a short response is the gold itself, in prose or not."""
    return len(text) <= _SHOWN_CHARS and canonical(tidy(text)) == canonical(tidy(gold))


@lru_cache(4096)
def _gold_answer(gold: str) -> str:
    """A gold written as a solution is what stands in its box, or behind its "the answer is"."""
    if "box" in gold and BOX.search(gold):
        return boxed_content(gold) or gold
    if len(gold) < _SOLUTION_CHARS or "answer" not in gold.casefold():
        return gold
    found = extract(gold, _acceptable)
    return found.text if found and found.rule.startswith("behind") else gold


def _lists(gold: str, count: int) -> bool:
    """Whether a gold is a list of exactly `count` answers."""
    try:
        node = parse(as_formula(tidy(gold)))
    except (ParseError, RecursionError):
        return False
    return node.op in ("list", "set", "tuple") and len(node.args) == count


def _acceptable(text: str) -> bool:
    """Whether a text is a formula from end to end; words are prose here."""
    try:
        return not _wordy(parse(tidy(text)))
    except (ParseError, RecursionError):
        return False


def _wordy(node: Node) -> bool:
    r"""Whether words stand in a tree, indices aside (`x_{\text{max}}`)."""
    return node.op == "text" or any(map(_wordy, node.args[:1] if node.op == "idx" else node.args))
