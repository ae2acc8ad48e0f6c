"""LiveCodeBench problems from files of `livecodebench/code_generation_lite`, looked up by question id.

The folder or file is named by the environment variable OR1_LIVECODEBENCH. Private tests are JSON text, or that text
pickled, compressed and in base64; the pickle is read by an unpickler that refuses every class.
"""

from __future__ import annotations

import base64
import binascii
import io
import json
import os
import pickle
import re
import threading
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from or1_reward.code.cases import CaseError
from or1_reward.ground_truth import CallTruth, StdioTruth

VARIABLE: Final = "OR1_LIVECODEBENCH"
_QUESTION: Final = re.compile(rb'(?<!\\)"question_id"\s*:\s*("(?:[^"\\]|\\.)*"|\d+)')
_MAX_DECODED: Final = 4 << 30
_indices: dict[Path, dict[str, tuple[Path, int]]] = {}
_lock = threading.Lock()


class _TextUnpickler(pickle.Unpickler):
    def find_class(self, module_name: str, name: str) -> Any:
        """No class, no function: the pickle may hold text only."""
        raise pickle.UnpicklingError(f"a LiveCodeBench test pickle may hold text only, not {module_name}.{name}")


def decode_tests(text: str) -> list[dict[str, Any]]:
    """The tests of one field `public_test_cases` or `private_test_cases`, in either encoding.

    Raises:
        CaseError: neither encoding fits.
    """
    try:
        tests = json.loads(text)
    except ValueError:
        tests = _decode_packed(text)
    except RecursionError as error:
        raise CaseError("LiveCodeBench tests are nested too deeply") from error
    if not isinstance(tests, list) or not all(
        isinstance(test, dict) and {"input", "output"} <= test.keys() for test in tests
    ):
        raise CaseError("LiveCodeBench tests must be a list of objects with input and output")
    return tests


def _decode_packed(text: str) -> Any:
    try:
        inflate = zlib.decompressobj()
        data = inflate.decompress(base64.b64decode(text, validate=True), _MAX_DECODED)
        if inflate.unconsumed_tail:
            raise CaseError("LiveCodeBench tests unpack to more than 4 GiB")
        inner = _TextUnpickler(io.BytesIO(data)).load()
        return json.loads(inner) if isinstance(inner, str | bytes) else inner
    except (
        binascii.Error,
        zlib.error,
        pickle.UnpicklingError,
        ValueError,
        EOFError,
        IndexError,
        KeyError,
        AttributeError,
        RecursionError,
        OverflowError,
        MemoryError,
    ) as error:
        raise CaseError(f"LiveCodeBench tests are neither JSON nor base64(zlib(pickle(JSON))): {error}") from error


def row_truth(row: dict[str, Any]) -> StdioTruth | CallTruth:
    """A dataset row's public then private tests as an ordinary ground truth.

    Raises:
        CaseError: no tests, mixed kinds, or a functional problem without a function name.
    """
    tests = decode_tests(row.get("public_test_cases") or "[]") + decode_tests(row.get("private_test_cases") or "[]")
    if not tests:
        raise CaseError(f"LiveCodeBench problem {row.get('question_id')!r} has no tests")
    kinds = {test.get("testtype", "stdin") for test in tests}
    inputs, outputs = tuple(str(test["input"]) for test in tests), tuple(str(test["output"]) for test in tests)
    if kinds == {"stdin"}:
        return StdioTruth(inputs, outputs)
    metadata = row.get("metadata") or "{}"
    name = (json.loads(metadata) if isinstance(metadata, str) else metadata).get("func_name")
    if kinds != {"functional"} or not name:
        raise CaseError(
            f"LiveCodeBench problem {row.get('question_id')!r}: test kinds {sorted(kinds)}, func_name {name!r}"
        )
    return CallTruth(inputs, outputs, name)


def look_up(question_id: str, source: str | os.PathLike[str] | None = None) -> StdioTruth | CallTruth:
    """The tests of a problem, from `source` or from the place that OR1_LIVECODEBENCH names.

    Raises:
        CaseError: the place is not named or not there, or has no such problem.
    """
    named = source or os.environ.get(VARIABLE)
    if not named:
        raise CaseError(
            f"set {VARIABLE} to the folder or jsonl file of livecodebench/code_generation_lite to grade {question_id!r}"
        )
    place = Path(named)
    if not place.exists():
        raise CaseError(f"{VARIABLE}={named}: no such file or folder")
    found = _index(place).get(question_id)
    if found is None:
        raise CaseError(f"{VARIABLE}={named} has no problem {question_id!r}")
    path, offset = found
    with path.open("rb") as file:
        file.seek(offset)
        return row_truth(json.loads(file.readline()))


def _index(place: Path) -> dict[str, tuple[Path, int]]:
    """Where each problem's line starts; rows are tens of megabytes, so only the one asked for is ever parsed."""
    with _lock:
        if place not in _indices:
            files = [place] if place.is_file() else sorted(place.glob("**/*.jsonl"))
            _indices[place] = {key: where for path in files for key, where in _scan(path)}
        return _indices[place]


def _scan(path: Path) -> Iterator[tuple[str, tuple[Path, int]]]:
    offset = 0
    with path.open("rb") as file:
        for line in file:
            match = _QUESTION.search(line)
            if match:
                yield str(json.loads(match[1])), (path, offset)
            offset += len(line)
