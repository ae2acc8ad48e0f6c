"""LiveCodeBench problems from files of `livecodebench/code_generation_lite`, looked up by question id.

The folder or file is named by the environment variable OR1_LIVECODEBENCH. Private tests are JSON text, or that text
pickled, compressed and in base64; of the pickle only its one text is read.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
import pickletools
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
_MAX_DECODED: Final = 512 << 20
"""Bytes of one field's tests unpacked; reading them takes up to four times as much."""
_TEXTS: Final = frozenset(
    {
        *("UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8", "STRING", "BINSTRING", "SHORT_BINSTRING"),
        *("BINBYTES", "SHORT_BINBYTES", "BINBYTES8"),
    }
)
_FRAMING: Final = frozenset({"PROTO", "FRAME", "MEMOIZE", "PUT", "BINPUT", "LONG_BINPUT", "STOP"})
_indices: dict[Path, dict[str, tuple[Path, int]]] = {}
_lock = threading.Lock()


def decode_tests(text: str) -> list[dict[str, Any]]:
    """The tests of one field `public_test_cases` or `private_test_cases`, in either encoding.

    Raises:
        CaseError: neither encoding fits.
    """
    try:
        tests = _from_json(text)
    except ValueError:
        tests = _decode_packed(text)
    if not isinstance(tests, list) or not all(
        isinstance(test, dict) and {"input", "output"} <= test.keys() for test in tests
    ):
        raise CaseError("LiveCodeBench tests must be a list of objects with input and output")
    return tests


def _from_json(text: str | bytes) -> Any:
    try:
        return json.loads(text)
    except RecursionError:
        raise CaseError("LiveCodeBench tests are nested too deep") from None


def _decode_packed(text: str) -> Any:
    inflate = zlib.decompressobj()
    try:
        data = inflate.decompress(base64.b64decode(text, validate=True), _MAX_DECODED)
        if inflate.unconsumed_tail:
            raise CaseError(f"LiveCodeBench tests unpack to more than {_MAX_DECODED >> 20} MiB")
        return _from_json(_pickled_text(data))
    except (binascii.Error, zlib.error, ValueError) as error:
        raise CaseError(f"LiveCodeBench tests are neither JSON nor base64(zlib(pickle(JSON))): {error}") from error


def _pickled_text(data: bytes) -> str | bytes:
    """The text that a pickle holds, read without unpickling: nothing is called, and nothing allocated for a claim."""
    texts: list[str | bytes] = []
    for opcode, argument, _ in pickletools.genops(data):
        if opcode.name in _TEXTS and isinstance(argument, str | bytes):
            texts.append(argument)
        elif opcode.name not in _FRAMING:
            raise ValueError(f"a LiveCodeBench test pickle may hold text only, not {opcode.name}")
    if len(texts) != 1:
        raise ValueError(f"a LiveCodeBench test pickle holds one text, not {len(texts)}")
    return texts[0]


def row_truth(row: dict[str, Any]) -> StdioTruth | CallTruth:
    """A dataset row's public then private tests as an ordinary ground truth.

    Raises:
        CaseError: no tests, mixed kinds, or a functional problem without a function name.
    """
    tests = _tests_of(row, "public_test_cases") + _tests_of(row, "private_test_cases")
    if not tests:
        raise CaseError(f"LiveCodeBench problem {row.get('question_id')!r} has no tests")
    kinds = {str(test.get("testtype", "stdin")) for test in tests}
    inputs, outputs = tuple(str(test["input"]) for test in tests), tuple(str(test["output"]) for test in tests)
    if kinds == {"stdin"}:
        return StdioTruth(inputs, outputs)
    name = _function_name(row.get("metadata") or "{}")
    if kinds != {"functional"} or not name:
        raise CaseError(
            f"LiveCodeBench problem {row.get('question_id')!r}: test kinds {sorted(kinds)}, func_name {name!r}"
        )
    return CallTruth(inputs, outputs, name)


def _tests_of(row: dict[str, Any], field: str) -> list[dict[str, Any]]:
    text = row.get(field) or "[]"
    if not isinstance(text, str):
        raise CaseError(f"LiveCodeBench problem {row.get('question_id')!r}: {field} is not text")
    return decode_tests(text)


def _function_name(metadata: Any) -> str:
    """The name in a row's metadata; empty where there is none."""
    try:
        known = _from_json(metadata) if isinstance(metadata, str) else metadata
    except ValueError as error:
        raise CaseError(f"LiveCodeBench metadata is not JSON: {error}") from error
    return str(known.get("func_name") or "") if isinstance(known, dict) else ""


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
        try:
            row = _from_json(file.readline())
        except ValueError as error:
            raise CaseError(f"{path}: the row of {question_id!r} is not JSON: {error}") from error
    if not isinstance(row, dict) or str(row.get("question_id")) != question_id:
        raise CaseError(f"{path} has changed: the row of {question_id!r} is not where it was")
    return row_truth(row)


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
