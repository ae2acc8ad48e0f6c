"""Judge the stored samples of a run again, with a newer verifier or another one, and say what changed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from or1_eval.grading import Grading, Verifier
from or1_eval.report import Report
from or1_eval.results import load_reports, write_results
from or1_eval.runs.fingerprint import verifier_name, versions
from or1_eval.runs.folder import RunFolder
from or1_eval.runs.log import JsonlLog
from or1_eval.samples import Sample, verdict_row
from or1_eval.tasks.livecodebench import PackedTests
from or1_reward import verify as default_verify


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A sample whose status is another one now."""

    task: str
    problem_id: str
    index: int
    before: str
    after: str
    extracted: str | None
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Regrade:
    """What a regrade came to: reports before and after, and every sample that changed."""

    before: dict[str, Report]
    after: dict[str, Report]
    num_samples: int
    changes: tuple[Change, ...]


def regrade(
    run_dir: str | Path,
    *,
    verify: Verifier = default_verify,
    workers: int = 1,
    only_errors: bool = False,
    on_change: Callable[[Change], None] | None = None,
) -> Regrade:
    """Judge every stored sample (or only those without a verdict) and keep the verdicts that differ.

    `samples.jsonl` stays as it is; the new verdicts go to `regrades/N.jsonl` and count from then on.

    Raises:
        RunFolderError: no run folder, or in use.
        TaskError: tests that lie outside the run are not there any more; nothing is changed.
    """
    with RunFolder(Path(run_dir), write=_is_run(Path(run_dir))) as folder:
        _check_tests(folder)
        before = load_reports(folder)
        changes: list[Change] = []
        counted = 0
        number = 1 + max((int(path.stem) for path in folder.regrades()), default=0)
        (folder.path / "regrades").mkdir(exist_ok=True)
        working = folder.path / "regrades" / f"{number}.jsonl.part"
        working.unlink(missing_ok=True)
        log = JsonlLog(working)
        for task in folder.tasks:
            counted += _regrade_task(folder, task, log, changes, verify, workers, only_errors=only_errors)
        log.close()
        working.rename(working.with_suffix(""))  # a killed regrade leaves a .part that counts for nothing
        folder.note_verifier(verifier_name(verify), versions())
        folder.note_session({"regrade": number, "changed": len(changes), "samples": counted, "versions": versions()})
        if on_change is not None:
            for change in changes:
                on_change(change)
        return Regrade(before=before, after=write_results(folder), num_samples=counted, changes=tuple(changes))


def _is_run(path: Path) -> bool:
    return (path / "run.json").is_file()  # only then may it be opened for writing: no folder is made by mistake


def _check_tests(folder: RunFolder) -> None:
    """Every test that is read from elsewhere can be read, before any verdict is replaced."""
    for task in folder.tasks:
        for problem in folder.problems(task):
            if isinstance(problem.ground_truth, PackedTests):
                problem.ground_truth.check()


def _regrade_task(
    folder: RunFolder,
    task: str,
    log: JsonlLog,
    changes: list[Change],
    verify: Verifier,
    workers: int,
    *,
    only_errors: bool,
) -> int:
    known: dict[tuple[str, int], Sample] = {}
    problems = {problem.id: problem for problem in folder.problems(task)}

    def judged(sample: Sample) -> None:
        old = known.pop(sample.key)
        if sample.verdict is None or old.verdict is None:
            return
        before, after = old.verdict, sample.verdict
        if (before.status, before.extracted) != (after.status, after.extracted):
            log.append(
                {"task": task, "problem": sample.problem_id, "sample": sample.index, "verdict": verdict_row(after)}
            )
        if before.status != after.status:
            changes.append(
                Change(
                    task=task,
                    problem_id=sample.problem_id,
                    index=sample.index,
                    before=before.status.value,
                    after=after.status.value,
                    extracted=after.extracted,
                    detail=after.detail,
                )
            )

    grading = Grading(problems, judged, verify=verify, workers=workers)
    counted = 0
    for sample in folder.samples(task):
        if not only_errors or sample.reward is None:
            known[sample.key] = sample
            counted += 1
            grading.submit(sample)
    grading.finish()
    changes.sort(key=lambda change: (change.task, change.problem_id, change.index))
    return counted
