"""Which adapter reads which rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from or1_data.errors import SourceError
from or1_data.io.json_rows import TURNS
from or1_data.schema import Problem
from or1_data.sources import code, code_sets, math_problems, math_sets, verl


class Adapter(NamedTuple):
    """`convert(row, source)` makes the problem; a row with all of `keys` is recognized as one of this set.

    With `keeps`, columns that `convert` did not look at stay in `extra_info`.
    """

    name: str
    keys: frozenset[str]
    convert: Callable[[Mapping[str, Any], str], Problem]
    keeps: bool = True


def _adapter(name: str, keys: str, convert: Callable[[Mapping[str, Any], str], Problem]) -> Adapter:
    return Adapter(name, frozenset(keys.split()), convert)


_ORDERED: Final = (  # detection takes the first whose keys are all there: the more special comes first
    _adapter("verl", "data_source prompt reward_model", verl.verl),
    _adapter("livecodebench", "question_content public_test_cases", code.livecodebench),
    _adapter("synthetic", "prompt verification_info", code_sets.synthetic),
    _adapter("codeforces", "description official_tests", code_sets.codeforces),
    _adapter("kodcode", "question test style subset", code_sets.kodcode),
    _adapter("mbpp", "task_id code test_list", code_sets.mbpp),
    _adapter("acecode", "question test_cases", code_sets.acecode),
    _adapter("code_contests", "description public_tests", code.code_contests),
    _adapter("leetcode", "test entry_point query", code.leetcode),
    _adapter("humaneval", "test entry_point canonical_solution", code.humaneval),
    _adapter("taco", "question input_output raw_tags", code.taco),
    _adapter("apps", "question input_output", code.apps),
    _adapter("rllm", "problem tests", code.rllm),
    _adapter("numina", "problem answer problem_type question_type", math_problems.numina),
    _adapter("omni_math", "problem answer domain difficulty", math_problems.omni_math),
    _adapter("olympiadbench", "is_multiple_answer answer_type", math_problems.olympiadbench),
    _adapter("math", "problem solution level", math_problems.math),
    _adapter("deepscaler", "problem answer difficulty", math_problems.deepscaler),
    _adapter("aime", "ID Year Question Answer", math_problems.aime),
    _adapter("svamp", "Body Question Answer", math_problems.svamp),
    _adapter("gsm_hard", "input code target", math_problems.gsm_hard),
    _adapter("openmath", "problem expected_answer", math_sets.openmath),
    _adapter("deepmath", "question final_answer topic", math_sets.deepmath),
    _adapter("big_math", "problem answer llama8b_solve_rate", math_sets.big_math),
    _adapter("open_reasoner_train", TURNS, math_sets.open_reasoner_train),
    _adapter("tulu", "messages ground_truth dataset", math_sets.tulu),
    _adapter("reasoning_gym", "question answer metadata", math_sets.reasoning_gym),
    _adapter("open_reasoner", "prompt final_answer", math_problems.chat_answer),
    _adapter("problem_answer", "problem answer", math_problems.problem_answer),
    _adapter("boxed_solution", "problem solution", math_problems.boxed_solution),
)
_NAMED_ONLY: Final = (
    _adapter("or1", "", verl.or1),
    _adapter("dapo", "", verl.verl),
    _adapter("gsm8k", "", math_problems.gsm8k),
    _adapter("still3", "", math_problems.still3),
)
ADAPTERS: Final[Mapping[str, Adapter]] = {adapter.name: adapter for adapter in (*_NAMED_ONLY, *_ORDERED)}
"""All adapters by name; `detect` finds the right one where the columns say it."""


def detect(row: Mapping[str, Any]) -> Adapter:
    """The adapter for a set whose first row this is.

    Raises:
        SourceError: no adapter knows these columns.
    """
    present = {key for key, value in row.items() if value is not None}
    if {"question", "answer"} <= present:
        named = "gsm8k" if isinstance(row["answer"], str) and "\n####" in row["answer"] else "still3"
        special = {"input_output", "problem", "answer_type", "metadata", "test_cases"} & present
        if not special:
            return ADAPTERS[named]
    for adapter in _ORDERED:
        if adapter.keys <= present:
            return adapter
    raise SourceError(f"no adapter knows rows with the columns {sorted(present)}; name one of: {', '.join(ADAPTERS)}")
