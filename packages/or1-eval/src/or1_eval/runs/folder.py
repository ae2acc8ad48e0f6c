"""A run folder.

    run.json          fingerprint and k of each task, one entry per session (when, versions, how many samples)
    problems.jsonl    the problems as they were asked, so that a run is judged again without its sources
    samples.jsonl     every sample with tokens, seed and verdict, appended as it is judged
    pending.jsonl     samples drawn and not yet judged; gone when all are
    regrades/N.jsonl  the verdicts that a later `regrade` changed
    results.json      results.md, report.html: made from the above at any time

What is append-only can be killed at any byte; the other files are replaced in one step.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from or1_eval.errors import RunFolderError
from or1_eval.runs.fingerprint import differences, plain_part
from or1_eval.runs.log import JsonlLog, read_log
from or1_eval.samples import Key, Sample, sample_from_row, sample_row
from or1_eval.tasks.livecodebench import PackedTests
from or1_eval.types import Problem, Task
from or1_rollout.engines.openai.sampled_with import merged

FORMAT: Final = 1


class RunFolder:
    """Reads and appends; while open for writing it is locked against a second writer."""

    def __init__(self, path: Path, *, write: bool = False) -> None:
        """Open an existing folder, or for writing make it.

        Raises:
            RunFolderError: there is no run here, it is of another format, or another process writes to it.
        """
        self.path = path
        self._lock: int | None = None
        if write:
            path.mkdir(parents=True, exist_ok=True)
            self._take_lock()
        elif not (path / "run.json").is_file():
            raise RunFolderError(f"{path} is not a run folder: it has no run.json")
        self.manifest: dict[str, Any] = self._read_manifest()
        self._samples = JsonlLog(path / "samples.jsonl") if write else None
        self._pending = JsonlLog(path / "pending.jsonl") if write else None

    def __enter__(self) -> RunFolder:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the logs and give up the lock."""
        for log in (self._samples, self._pending):
            if log is not None:
                log.close()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    @property
    def tasks(self) -> Mapping[str, Mapping[str, Any]]:
        """Task name -> its entry in run.json (fingerprint, k, votes, ...)."""
        tasks: Mapping[str, Mapping[str, Any]] = self.manifest["tasks"]
        return tasks

    def begin(self, task: Task, k: int, fingerprint: Mapping[str, Any]) -> None:
        """Enter a task, or find it there with the same settings.

        Raises:
            RunFolderError: the samples here were drawn with other settings; lists each difference.
        """
        known = self.tasks.get(task.name)
        if known is not None and (differs := differences(known["fingerprint"], fingerprint)):
            raise RunFolderError(
                f"{self.path} holds samples of {task.name!r} with other settings ({'; '.join(differs)}); "
                "use another folder, or the same settings"
            )
        if known is None:
            self._store_problems(task)
        earlier = {} if known is None else known["fingerprint"].get("sampled_with", {})
        self.manifest["tasks"][task.name] = {
            "k": max(k, known["k"]) if known is not None else k,
            "votes": task.votes,
            "fingerprint": dict(fingerprint) | {"sampled_with": earlier},
        }
        self._write_manifest()

    def note_sampled_with(self, task: str, said: Mapping[str, Any]) -> None:
        """Add what the server says of its sampling."""
        fingerprint = self.manifest["tasks"][task]["fingerprint"]
        together = merged(fingerprint["sampled_with"], said)
        if together != fingerprint["sampled_with"]:
            fingerprint["sampled_with"] = together
            self._write_manifest()

    def note_session(self, entry: Mapping[str, Any]) -> None:
        """Add what a session did."""
        self.manifest["sessions"].append(dict(entry))
        self._write_manifest()

    def note_verifier(self, verifier: str, versions: Mapping[str, str]) -> None:
        """The verdicts are by another verifier now."""
        for entry in self.manifest["tasks"].values():
            entry["fingerprint"]["verifier"] = verifier
            entry["fingerprint"]["versions"]["or1-reward"] = versions.get("or1-reward", "")
        self._write_manifest()

    def problems(self, task: str) -> list[Problem]:
        """The problems of a task as they were asked."""
        rows = (row for row in read_log(self.path / "problems.jsonl") if row["task"] == task)
        return [
            Problem(
                id=row["id"], prompt=row["prompt"], ground_truth=_stored_truth(row["ground_truth"]), info=row["info"]
            )
            for row in rows
        ]

    def task(self, name: str) -> Task:
        """The task as it was asked, with neither its sampling nor its templates."""
        entry = self.tasks[name]
        said = entry["fingerprint"]["task"]
        return Task(
            name=name,
            problems=tuple(self.problems(name)),
            k=entry["k"],
            template=said["template"],
            source=said["source"],
            votes=entry["votes"],
        )

    def samples(self, task: str) -> Iterator[Sample]:
        """The judged samples of a task, each with the latest verdict that a regrade gave it."""
        latest = self.regraded(task)
        seen: set[Key] = set()
        for row in read_log(self.path / "samples.jsonl"):
            if row.get("task") == task:
                newer = latest.get((row["problem"], row["sample"]), row["verdict"])
                sample = self._sample(row | {"verdict": newer})
                if sample.key not in seen:
                    seen.add(sample.key)
                    yield sample

    def regraded(self, task: str) -> dict[Key, Mapping[str, Any]]:
        """The verdict rows of all regrades, later ones in place of earlier ones."""
        latest: dict[Key, Mapping[str, Any]] = {}
        for path in self.regrades():
            for row in read_log(path):
                if row["task"] == task:
                    latest[row["problem"], row["sample"]] = row["verdict"]
        return latest

    def regrades(self) -> list[Path]:
        """The files of the regrades, oldest first."""
        return sorted((self.path / "regrades").glob("*.jsonl"), key=lambda path: int(path.stem))

    def pending(self, task: str) -> Iterator[Sample]:
        """Samples that were drawn and perhaps not judged: look them up among the judged ones."""
        for row in read_log(self.path / "pending.jsonl"):
            if row.get("task") == task:
                yield self._sample(row)

    def add_pending(self, task: str, sample: Sample) -> None:
        """Keep a sample that was just drawn."""
        assert self._pending is not None, "the folder is open for reading"
        self._pending.append({"task": task} | sample_row(sample))

    def add(self, task: str, sample: Sample) -> None:
        """Keep a judged sample."""
        assert self._samples is not None, "the folder is open for reading"
        self._samples.append({"task": task} | sample_row(sample))

    def clear_pending(self) -> None:
        """All that was drawn is judged: the journal is of no use any more."""
        if self._pending is not None:
            self._pending.close()
            (self.path / "pending.jsonl").unlink(missing_ok=True)
            self._pending = JsonlLog(self.path / "pending.jsonl")

    def _sample(self, row: Mapping[str, Any]) -> Sample:
        try:
            return sample_from_row(row)
        except (KeyError, TypeError, ValueError) as error:
            raise RunFolderError(f"{self.path}: a row of {row.get('task')!r} is not a sample ({error!r})") from error

    def _store_problems(self, task: Task) -> None:
        known = [row for row in read_log(self.path / "problems.jsonl") if row["task"] != task.name]
        rows = [{"task": task.name} | _problem_row(problem) for problem in task.problems]
        text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in [*known, *rows])
        write_whole(self.path / "problems.jsonl", text)

    def _read_manifest(self) -> dict[str, Any]:
        path = self.path / "run.json"
        if not path.is_file():
            return {"format": FORMAT, "tasks": {}, "sessions": []}
        try:
            manifest: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise RunFolderError(f"{path} is damaged: {error}") from error
        if manifest.get("format") != FORMAT:
            raise RunFolderError(f"{path} has format {manifest.get('format')!r}, this version reads {FORMAT}")
        return manifest

    def _write_manifest(self) -> None:
        write_whole(self.path / "run.json", json.dumps(self.manifest, indent=2, ensure_ascii=False) + "\n")

    def _take_lock(self) -> None:
        self._lock = os.open(self.path / ".lock", os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(self._lock)
            self._lock = None
            raise RunFolderError(f"{self.path} is being written by another process; wait for it or stop it") from error


def write_whole(path: Path, text: str) -> None:
    """Replace a file in one step: a reader, or a kill, finds the old text or the new one."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    with temporary.open("w", encoding="utf-8", errors="surrogatepass") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def _problem_row(problem: Problem) -> dict[str, Any]:
    prompt = problem.prompt
    truth = problem.ground_truth
    if isinstance(truth, PackedTests):
        truth = {"packed_tests": truth.question_id, "file": str(truth.file.resolve()), "file_hash": truth.file_hash}
    elif callable(truth):
        truth = truth()  # somebody's own lazy truth: the run must be able to judge again without it
    return {
        "id": problem.id,
        "prompt": prompt if isinstance(prompt, str) else [plain_part(part) for part in prompt],
        "ground_truth": truth,
        "info": dict(problem.info),
    }


def _stored_truth(truth: Any) -> Any:
    if isinstance(truth, Mapping) and "packed_tests" in truth:
        return PackedTests(truth["packed_tests"], Path(truth["file"]), truth.get("file_hash", ""))
    return truth
