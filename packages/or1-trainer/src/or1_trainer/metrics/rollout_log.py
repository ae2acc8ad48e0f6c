"""`rollouts/step_000123.jsonl`: sampled responses with verdicts and advantages.

Groups are kept complete, because an advantage is relative to its group. Which groups are kept depends only on the step
and on problem ids, so that a resumed run keeps the same ones.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Sequence
from pathlib import Path

import msgspec

from or1_trainer.errors import RunFolderError
from or1_trainer.metrics.files import naming_path, replace_file

FOLDER = "rollouts"
_NAME = re.compile(r"step_(\d{6,})\.jsonl")


class TokenValues(msgspec.Struct, frozen=True, kw_only=True):
    """What the update made of a response's tokens, in their order; None for observations and for what is not finite."""

    logprobs: list[float | None]
    """Of the policy, at the last optimizer step over the response, in nats."""
    entropies: list[float | None]
    """Of the policy's distribution in the place of the token, in nats."""
    ratios: list[float | None]
    """That the loss is made of."""
    clipped: list[int]
    """Numbers of the tokens, from 0, whose gradient the clipping took away."""


class RolloutRecord(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One rollout. `reward` is None if the verifier failed, `advantage` if the rollout was not trained on.

    `rewards` are the values of the recipe's rewards by name, None where one failed; empty where the verdict is the
    reward.
    `tokens` and `logprobs` (of the engine, in nats) are kept for `watch.token_groups` groups of a step; of these, what
    was trained on has `policy`.
    """

    problem_id: str
    prompt: str
    response: str
    status: str
    reward: float | None
    advantage: float | None
    finish_reason: str
    num_tokens: int
    seed: int
    rewards: dict[str, float | None] = {}
    tokens: list[str] | None = None
    logprobs: list[float | None] | None = None
    policy: TokenValues | None = None


_RECORD = msgspec.json.Decoder(RolloutRecord)


def _line(record: RolloutRecord) -> bytes:
    """Encode as JSON; a lone surrogate becomes a question mark."""
    try:
        return msgspec.json.encode(record) + b"\n"
    except UnicodeEncodeError:
        text = json.dumps(msgspec.to_builtins(record), ensure_ascii=False)
        return text.encode("utf-8", errors="replace") + b"\n"


def kept_problems(step: int, problem_ids: Sequence[str], share: float) -> set[str]:
    """Choose the problems of `step` whose groups are kept, the same on every rank.

    `share` is the fraction of the groups, 0 to 1; above 0 at least one group is kept.
    """

    def draw(problem_id: str) -> bytes:
        return hashlib.sha256(f"{step}:{problem_id}".encode("utf-8", errors="replace")).digest()

    distinct = sorted(set(problem_ids), key=draw)
    return set(distinct[: math.ceil(share * len(distinct))])


class RolloutLog:
    """Writes one file per step to `RUN/rollouts`, each atomically."""

    def __init__(self, run_dir: Path) -> None:
        """Create the folder in `run_dir`, which must exist; raises `RunFolderError` where that is not possible."""
        self.folder = run_dir / FOLDER
        with naming_path(self.folder, "create"):
            self.folder.mkdir(exist_ok=True)

    def write(self, step: int, records: Sequence[RolloutRecord]) -> None:
        """Write the records of a step, replacing a file of the same step; an error leaves no incomplete file."""
        if records:
            content = b"".join(map(_line, records))
            replace_file(self.folder / f"step_{step:06d}.jsonl", content, durable=False)

    def truncate_after(self, step: int) -> None:
        """Delete the files of steps above `step`; a resume from `step` writes them again."""
        for later, path in rollout_files(self.folder.parent):
            if later > step:
                with naming_path(path, "delete"):
                    path.unlink(missing_ok=True)


def rollout_files(run_dir: Path) -> list[tuple[int, Path]]:
    """Return the steps with sampled rollouts and their files, oldest first."""
    folder = run_dir / FOLDER
    if not folder.is_dir():
        return []
    with naming_path(folder, "list"):
        named = [(_NAME.fullmatch(path.name), path) for path in folder.iterdir()]
    return sorted((int(match[1]), path) for match, path in named if match)


def read_rollouts(path: Path) -> list[RolloutRecord]:
    """Read the file of one step; raises `RunFolderError` with the number of a line that is not a rollout record."""
    with naming_path(path, "read"):
        lines = path.read_bytes().splitlines()
    records = []
    for number, line in enumerate(lines, start=1):
        try:
            records.append(_RECORD.decode(line))
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            reason = f"not a rollout record ({error}); delete the file to read the rest"
            raise RunFolderError(f"{path}:{number}: {reason}") from error
    return records
