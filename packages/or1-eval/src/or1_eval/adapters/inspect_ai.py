"""A scorer for inspect_ai: `Task(..., scorer=or1_scorer())` judges by `or1_reward`, maths and code alike.

The target's text is the row's ground truth; several targets are alternatives. A verifier error is no score, not a 0.
"""

from __future__ import annotations

import json
from importlib import import_module
from typing import Any

from or1_reward import averify


def or1_scorer() -> Any:
    """The scorer, with accuracy and its standard error."""
    api = import_module("inspect_ai.scorer")

    def or1() -> Any:
        async def score(state: Any, target: Any) -> Any:
            choice = state.output.choices[0] if state.output.choices else None
            cut = choice is not None and choice.stop_reason in ("max_tokens", "model_length")
            truth = target.text if len(target) == 1 else json.dumps(list(target))
            verdict = await averify(state.output.completion, truth, finish_reason="length" if cut else "stop")
            if verdict.reward is None:
                return None
            answer = verdict.extracted or api.NOANSWER
            return api.Score(value=verdict.reward, answer=answer, explanation=verdict.detail)

        return score

    return api.scorer(metrics=[api.accuracy(), api.stderr()])(or1)()
