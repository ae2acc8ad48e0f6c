"""Adapters of math sets for reinforcement learning from 2024 on. Each docstring shows a row (values made up)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from or1_data.errors import SchemaError
from or1_data.io.json_rows import TURNS
from or1_data.schema import Problem, make_problem
from or1_data.sources.fields import Row, answer, info, optional_text, rate_counts, text

_BIG_MATH_ATTEMPTS: Final = 64
_OPEN_MATH_ATTEMPTS: Final = 32
_TULU_MATHS: Final = frozenset({"math", "gsm8k"})


def openmath(row: Row, source: str) -> Problem:
    r"""A row of OpenMathReasoning or OpenMathInstruct-2.

    {"problem": "Find $x$ if $x+1=3$.", "expected_answer": "2", "problem_type": "has_answer_extracted",
     "problem_source": "aops_c4_high_school_math", "generation_model": "DeepSeek-R1", "pass_rate_72b_tir": "0.96875",
     "generated_solution": "... \\boxed{2}", "inference_mode": "cot"}

    The pass rate of 32 attempts becomes counts; `n/a` is none.
    """
    extra = info(row, "problem_type", "problem_source", "generation_model", "inference_mode", "pass_rate_72b_tir")
    extra |= rate_counts(row, "pass_rate_72b_tir", "Qwen2.5-Math-72B-Instruct-TIR", _OPEN_MATH_ATTEMPTS)
    return make_problem(
        text(row, "problem"),
        answer(row, "expected_answer"),
        ability="math",
        data_source=source,
        solution=optional_text(row, "generated_solution"),
        extra_info=extra,
    )


def deepmath(row: Row, source: str) -> Problem:
    r"""A row of DeepMath-103K; its three solutions are kept.

    {"question": "Evaluate $1+1$.", "final_answer": "2", "difficulty": 4.5, "topic": "Mathematics -> Algebra",
     "r1_solution_1": "... \\boxed{2}", "r1_solution_2": "... \\boxed{2}", "r1_solution_3": "... \\boxed{2}"}
    """
    return make_problem(
        text(row, "question"),
        answer(row, "final_answer"),
        ability="math",
        data_source=source,
        solution=optional_text(row, "r1_solution_1"),
        extra_info=info(row, "difficulty", "topic"),
    )


def open_reasoner_train(row: Row, source: str) -> Problem:
    """A row of Open-Reasoner-Zero's training files, which is a list of two turns; the reader puts it under a key.

    {"conversation": [{"from": "human", "value": "How many primes are below 10?"},
     {"from": "assistant", "ground_truth": {"value": "4"}}]}
    """
    turns = [turn for turn in row[TURNS] if isinstance(turn, Mapping)]
    asked = [str(turn.get("value", "")) for turn in turns if turn.get("from") in ("user", "human")]
    golds = [turn["ground_truth"] for turn in turns if turn.get("ground_truth") is not None]
    gold = golds[0] if golds else None
    statement = text({TURNS: "\n\n".join(asked)}, TURNS)
    given = gold if isinstance(gold, Mapping) else {"value": gold}
    return make_problem(statement, answer(given, "value"), ability="math", data_source=source)


def big_math(row: Row, source: str) -> Problem:
    r"""A row of Big-Math-RL-Verified; the solve rate of 64 attempts becomes counts of the model `llama8b`.

    {"problem": "Find $n$ ...", "answer": "97", "source": "omnimath", "domain": ["Mathematics -> Algebra"],
     "llama8b_solve_rate": 0.046875}
    """
    extra = info(row, "source", "domain", "llama8b_solve_rate")
    extra |= rate_counts(row, "llama8b_solve_rate", "llama8b", _BIG_MATH_ATTEMPTS)
    return make_problem(
        text(row, "problem"), answer(row, "answer"), ability="math", data_source=source, extra_info=extra
    )


def tulu(row: Row, source: str) -> Problem:
    r"""A math row of Tulu 3's RLVR sets; rows of other tasks (IFEval) are set aside.

    {"messages": [{"role": "user", "content": "What is 2+3?"}], "ground_truth": "5", "dataset": "MATH"}
    """
    if str(row.get("dataset", "")).lower() not in _TULU_MATHS:
        raise SchemaError(f"task {row.get('dataset')!r} is not math", key="dataset", todo="drop the row")
    asked = [str(turn.get("content", "")) for turn in row["messages"] if turn.get("role") == "user"]
    statement = text({"messages": asked[-1] if asked else ""}, "messages")
    return make_problem(
        statement, answer(row, "ground_truth"), ability="math", data_source=source, extra_info=info(row, "dataset")
    )


def reasoning_gym(row: Row, source: str) -> Problem:
    r"""A row of reasoning-gym; the task is part of the source name.

    {"question": "What is 3 + 4?", "answer": "7", "metadata": {"source_dataset": "chain_sum", "difficulty": {}}}

    Answers are compared as math: tasks with a scorer of their own need it as the verifier.
    """
    metadata: Any = row.get("metadata")
    task = metadata.get("source_dataset") if isinstance(metadata, Mapping) else None
    return make_problem(
        text(row, "question"),
        answer(row, "answer"),
        ability="math",
        data_source=f"{source}_{task}" if task else source,
        extra_info=info(row, "metadata"),
    )
