"""Samples of groups that are not complete yet, kept beside the output until they are: `OUT.samples.jsonl`."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path

from or1_rollout.errors import RowError
from or1_rollout.types import Completion


def samples_path(out: Path) -> Path:
    """The file that stands beside `out` while groups are incomplete."""
    return out.with_name(out.name + ".samples.jsonl")


class SamplesFile:
    """Appends each sample as it ends; a line that a kill cut off is dropped, and that sample is drawn again."""

    def __init__(self, out: Path) -> None:
        """Read what a killed run left. Raises `RowError` where the file holds something else."""
        self.path = samples_path(out)
        self.kept: dict[str, dict[int, Completion]] = defaultdict(dict)
        whole, _, torn = (self.path.read_bytes() if self.path.exists() else b"").rpartition(b"\n")
        for number, line in enumerate(whole.split(b"\n") if whole else [], 1):
            self._take(line, number)
        if torn:
            with self.path.open("r+b") as file:
                file.truncate(len(whole) + bool(whole))
        self._file = self.path.open("a", encoding="utf-8")

    def put(self, row_id: str, sample: int, completion: Completion) -> None:
        """Keep a finished sample; it is in the file when this returns."""
        line = {"id": row_id, "sample": sample, "completion": completion.to_json()}
        self._file.write(json.dumps(line, ensure_ascii=False) + "\n")
        self._file.flush()

    def remove(self) -> None:
        """Close and remove the file: every group is in the output."""
        self._file.close()
        self.path.unlink()

    def _take(self, line: bytes, number: int) -> None:
        try:
            row = json.loads(line)
            self.kept[row["id"]][int(row["sample"])] = Completion.from_json(row["completion"])
        except (ValueError, KeyError, TypeError) as error:
            raise RowError(f"{self.path}:{number}: this is not a file of samples; remove it or put it back") from error
