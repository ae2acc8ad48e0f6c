"""`evaluate`: a task and an engine in, a report out."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from or1_eval.engines.replay import ReplayEngine
from or1_eval.errors import EngineError, EvalError
from or1_eval.grading import Grading, Verifier, check_ground_truths
from or1_eval.progress import Counter, Progress
from or1_eval.report import Report, build_report
from or1_eval.runs.fingerprint import fingerprint, verifier_name
from or1_eval.runs.folder import RunFolder
from or1_eval.samples import Key, Sample
from or1_eval.sampling import Request, draw, missing
from or1_eval.types import CompletionLike, Sampling, Task
from or1_eval.warnings import Watch
from or1_reward import verify as default_verify

WARN_EVERY = 8
"""Samples between two looks at the signs of trouble."""


def evaluate(  # noqa: PLR0913 - each has a default and is given by name
    task: Task | str | Path,
    engine: Any,
    *,
    k: int | None = None,
    run_dir: str | Path | None = None,
    sampling: Sampling | None = None,
    verify: Verifier = default_verify,
    workers: int = 1,
    model: str = "",
    expects_thinking: bool = False,
    on_progress: Callable[[Progress], None] | None = None,
    on_warning: Callable[[str], None] | None = None,
) -> Report:
    """Draw k samples of every problem, judge them as they come, and estimate avg@k, pass@k and maj@k.

    Args:
        task: a `Task`, or what `load_task` takes: a built-in name, a TOML file, a problem file.
        engine: an engine of or1-rollout or anything with its `generate`, an engine of this package, or a function
            from a prompt to a text.
        k: samples per problem; None takes the task's own, or of stored responses as many as every problem has.
        run_dir: keep every sample here and go on from what is there; None keeps everything in memory. The files with
            results are of all samples of the folder, also where this call asks for fewer.
        sampling: instead of the task's. Its `seed` is the run's: equal seeds draw equal samples where the engine
            keeps its word.
        verify: judges `(response, ground_truth, finish_reason=...)`; `or1_reward.verify` unless given.
        workers: samples judged at a time, while the engine goes on.
        model: the model's name for the result, where the engine does not say it.
        expects_thinking: warn where responses lack `</think>`.
        on_progress: called after every change, from several threads, one at a time.
        on_warning: called once per kind of trouble, as soon as it shows.

    Raises:
        TaskError: a problem that cannot be graded; before anything is drawn, unless its ground truth is lazy.
        EngineError: the engine failed or gave other than was asked for. With `run_dir` all that it gave is kept.
        RunFolderError: the folder holds samples drawn with other settings, or is in use.
    """
    if not isinstance(task, Task):
        from or1_eval.tasks import load_task

        task = load_task(task)
    if k is None:
        k = task.k
        if isinstance(engine, ReplayEngine):
            k = engine.num_samples(task.name, [problem.id for problem in task.problems]) or k
    sampling = task.sampling if sampling is None else sampling
    if k < 1:
        raise EvalError(f"k must be at least 1, not {k}")
    check_ground_truths(task)
    said = fingerprint(task, sampling, engine, model=model, verifier=verifier_name(verify))
    session = _Session(task, k, sampling, on_progress, on_warning, expects_thinking=expects_thinking)
    if run_dir is None:
        session.run(engine, verify, workers)
        return session.report(said | {"sampled_with": session.sampled_with})
    with RunFolder(Path(run_dir), write=True) as folder:
        folder.begin(task, k, said)
        session.folder = folder
        try:
            session.run(engine, verify, workers)
        finally:
            folder.note_session(session.entry(said))
        from or1_eval.results import write_results

        report = session.report(folder.tasks[task.name]["fingerprint"])
        write_results(folder, {task.name: report} if folder.tasks[task.name]["k"] == k else {})
        return report


class _Session:
    """One sitting over one task: what is there is kept, what is missing is drawn."""

    def __init__(
        self,
        task: Task,
        k: int,
        sampling: Sampling,
        on_progress: Callable[[Progress], None] | None,
        on_warning: Callable[[str], None] | None,
        *,
        expects_thinking: bool,
    ) -> None:
        self.task, self.k, self.sampling = task, k, sampling
        self.folder: RunFolder | None = None
        self._samples: dict[Key, Sample] = {}
        self._problems = {problem.id: problem for problem in task.problems}
        self._counter = Counter(task.name, k * len(task.problems), sampling.max_new_tokens, on_progress)
        self._watch = Watch(
            max_new_tokens=sampling.max_new_tokens, temperature=sampling.temperature, expects_thinking=expects_thinking
        )
        self._on_warning = on_warning
        self._warned: set[str] = set()
        self._refusals: list[str] = []
        self._mismatch = ""
        self._engine: Any = None
        self.sampled_with: dict[str, Any] = {}
        """What the engine says of its sampling."""
        self._lock = threading.Lock()
        self._started = datetime.now(UTC)
        self._started_s = time.monotonic()

    def run(self, engine: Any, verify: Verifier, workers: int) -> None:
        """Judge what an earlier session drew, draw and judge the rest."""
        grading = Grading(self._problems, self._graded, verify=verify, workers=workers)
        self._engine = engine
        try:
            drawn = self._take_up(grading)
            requests = missing(self.task, self.k, self.sampling.seed, drawn)
            if requests:
                self._draw(engine, requests, grading)
        except EvalError:
            grading.finish()  # what was drawn is worth its verdict
            raise
        except BaseException:
            grading.cancel()
            raise
        grading.finish()
        if self.folder is not None:
            self.folder.clear_pending()

    def _draw(self, engine: Any, requests: Sequence[Request], grading: Grading) -> None:
        drawing = _Drawing(self, grading)
        if isinstance(engine, ReplayEngine):
            self._mismatch = engine.mismatch(self.task.name, [problem.id for problem in self.task.problems])
        draw(engine, self.task.name, requests, self.sampling, drawing)
        self._refusals = drawing.errors
        if drawing.num_refused == len(requests) and not self._counter.now().drawn:
            raise EngineError(f"no sample could be drawn: {self._refusals[0]}")

    def report(self, said: dict[str, Any]) -> Report:
        """The numbers, with the warnings that all samples together give."""
        warnings = [*self._watch.warnings().values()]
        if self._mismatch:
            warnings.append(self._mismatch)
        if self._refusals:
            warnings.append(f"{len(self._refusals)} samples were given up and are missing: {self._refusals[0]}")
        return build_report(self.task, self._samples.values(), self.k, fingerprint=said, warnings=tuple(warnings))

    def entry(self, said: dict[str, Any]) -> dict[str, Any]:
        """What run.json says of this session."""
        now = self._counter.now()
        return {
            "task": self.task.name,
            "started": self._started.isoformat(timespec="seconds"),
            "elapsed_s": round(time.monotonic() - self._started_s, 3),
            "samples_drawn": now.drawn_here,
            "tokens_drawn": now.tokens_here,
            "versions": said["versions"],
            "engine_settings": said["engine_settings"],
        }

    def _take_up(self, grading: Grading) -> set[Key]:
        """What is on disk already: judged samples count, drawn ones are judged now."""
        if self.folder is None:
            return set()
        for sample in self.folder.samples(self.task.name):
            if self._wanted(sample):
                self._keep(sample, drawn=1)
        drawn = set(self._samples)
        for sample in self.folder.pending(self.task.name):
            if self._wanted(sample) and sample.key not in drawn:
                drawn.add(sample.key)
                self._counter.add(drawn=1)
                grading.submit(sample)
        return drawn

    def _wanted(self, sample: Sample) -> bool:
        return sample.problem_id in self._problems and sample.index < self.k

    def count_tokens(self, number: int) -> None:
        """Count tokens of responses that are still being drawn."""
        self._counter.add_tokens(number)

    def drawn(self, sample: Sample, grading: Grading) -> None:
        """Keep a new sample and have it judged."""
        self._ask_sampled_with()
        if self.folder is not None:
            self.folder.add_pending(self.task.name, sample)
        self._counter.add_sample(sample.num_tokens)
        grading.submit(sample)

    def _ask_sampled_with(self) -> None:
        """Keep what an engine says of its sampling, before the sample that it is about is kept."""
        tell = getattr(self._engine, "sampled_with", None)
        found = tell() if callable(tell) else {}
        if found != self.sampled_with:
            self.sampled_with = found
            if self.folder is not None:
                self.folder.note_sampled_with(self.task.name, found)

    def _graded(self, sample: Sample) -> None:
        if self.folder is not None:
            self.folder.add(self.task.name, sample)
        self._keep(sample)

    def _keep(self, sample: Sample, *, drawn: int = 0) -> None:
        """Count a judged sample; its text and tokens are on disk or not wanted, so memory keeps neither."""
        with self._lock:
            self._watch.see(sample)
            verdict = sample.verdict if sample.verdict is None else replace(sample.verdict, tests=())
            if verdict is not None and not self.task.votes:
                verdict = replace(verdict, extracted=None)
            self._samples[sample.key] = replace(sample, text="", token_ids=(), verdict=verdict)
            self._warn()
        self._counter.add(drawn=drawn, graded=1, correct=int(sample.reward == 1.0))

    def _warn(self) -> None:
        if self._on_warning is not None and len(self._samples) % WARN_EVERY == 0:
            for kind, text in self._watch.warnings().items():
                if kind not in self._warned:
                    self._warned.add(kind)
                    self._on_warning(text)


class _Drawing:
    """A session's `Taker`."""

    def __init__(self, session: _Session, grading: Grading) -> None:
        self._session, self._grading = session, grading
        self.errors: list[str] = []
        self.num_refused = 0

    def take(self, sample: Sample) -> None:
        self._session.drawn(sample, self._grading)

    def give_up(self, request: Request, completion: CompletionLike) -> None:
        self.num_refused += bool(getattr(completion, "is_refused", False))
        if error := str(getattr(completion, "error", "")):
            self.errors.append(f"{request.problem.id}, sample {request.index}: {error}")

    def count_tokens(self, number: int) -> None:
        self._session.count_tokens(number)
