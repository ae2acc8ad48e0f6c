"""The public functions of the package: `verify`, `verify_many`, `averify`, and the `Grader` behind them."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from or1_reward.ground_truth import GroundTruth, MathTruth, parse_ground_truth
from or1_reward.maths import MathSettings
from or1_reward.reasoning import final_part
from or1_reward.types import Limits, Status, Verdict

if TYPE_CHECKING:  # batches and event loops load these when they are used: importing the package stays cheap
    from concurrent.futures import Future, ThreadPoolExecutor

    from or1_reward.code_settings import CodeSettings
    from or1_reward.workers import WorkerPool

Item = Mapping[str, Any] | Sequence[Any]
_DEFAULT_LIMITS: Final = Limits()
_ATTEMPTS: Final = 2  # a failure of ours is tried once more before it becomes a verdict
_ASYNC_THREADS: Final = 8
_CHUNK: Final = 512  # per worker and window: much more than a process costs to talk to
_SMALLEST_CHUNK: Final = 32
_CHUNK_LIMIT_S: Final = 120.0
_STARVED_FACTOR: Final = 2  # wall clock of a chunk over the most CPU time that its verdicts may take


def verify(
    response: str, ground_truth: object, *, finish_reason: str | None = None, limits: Limits = _DEFAULT_LIMITS
) -> Verdict:
    """Judge one response.

    Args:
        response: the model's whole text, reasoning included.
        ground_truth: the row's JSON text or the object parsed from it (see `parse_ground_truth`).
        finish_reason: what the engine said; `"length"` is a truncated response, which scores 0 whatever it contains.
        limits: what the verdict may cost.

    Raises:
        GroundTruthError: the row cannot be graded. Nothing a model writes raises.
    """
    return Grader().verify(response, ground_truth, finish_reason=finish_reason, limits=limits)


def verify_many(items: Iterable[Item], workers: int = 1, *, limits: Limits = _DEFAULT_LIMITS) -> list[Verdict]:
    """Judge many responses on `workers` processes or threads; the order is kept.

    Args:
        items: `(response, ground_truth)` or `(response, ground_truth, finish_reason)`, or mappings with these keys.
        workers: how many verdicts are worked on at a time.
        limits: what one verdict may cost.
    """
    return Grader().verify_many(items, workers, limits=limits)


async def averify(
    response: str, ground_truth: object, *, finish_reason: str | None = None, limits: Limits = _DEFAULT_LIMITS
) -> Verdict:
    """`verify` for asyncio: the event loop stays free while the verdict is found in a thread of ours."""
    return await Grader().averify(response, ground_truth, finish_reason=finish_reason, limits=limits)


class Grader:
    """`verify`, `verify_many` and `averify` under one set of settings; holds no state of its own."""

    def __init__(self, settings: MathSettings | None = None, code: CodeSettings | None = None) -> None:
        """Take the settings of maths and of code; None is the documented default."""
        self.settings = settings or MathSettings()
        self.code = code

    def verify(
        self, response: str, ground_truth: object, *, finish_reason: str | None = None, limits: Limits = _DEFAULT_LIMITS
    ) -> Verdict:
        """Judge one response; see the function `verify`."""
        truth = parse_ground_truth(ground_truth)
        started = time.perf_counter()
        verdict = self._judge(response, truth, finish_reason, limits)
        return replace(verdict, elapsed_s=time.perf_counter() - started)

    def verify_many(
        self, items: Iterable[Item], workers: int = 1, *, limits: Limits = _DEFAULT_LIMITS
    ) -> list[Verdict]:
        """Judge many responses in order; see the function `verify_many`."""
        return list(self.stream((unpacked(item) for item in items), workers, limits=limits))

    def stream(
        self, items: Iterable[tuple[str, object, str | None]], workers: int = 1, *, limits: Limits = _DEFAULT_LIMITS
    ) -> Iterator[Verdict]:
        """Verdicts one by one in the order of `items`, which may be endless: only a window of them is held."""
        if workers < 1:
            raise ValueError(f"workers must be at least 1, not {workers}")

        def judge(item: tuple[str, object, str | None]) -> Verdict:
            return self.verify(item[0], item[1], finish_reason=item[2], limits=limits)

        if workers == 1:
            yield from map(judge, items)
            return
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(workers, thread_name_prefix="or1-reward") as pool:
            rest = iter(items)
            while window := list(islice(rest, _CHUNK * workers)):
                yield from self._window(window, pool, workers, limits)

    def _window(
        self, window: list[tuple[str, object, str | None]], pool: ThreadPoolExecutor, workers: int, limits: Limits
    ) -> list[Verdict]:
        """Judge one window: maths in chunks by processes, code item by item, whose sandboxes are processes anyway."""
        parsed = [(response, parse_ground_truth(truth), reason) for response, truth, reason in window]
        maths = [at for at, (_, truth, _) in enumerate(parsed) if isinstance(truth, MathTruth)]
        size = max(_SMALLEST_CHUNK, -(-len(maths) // workers))
        chunks = [maths[at : at + size] for at in range(0, len(maths), size)]
        found: dict[int, Future[Verdict]] = {
            at: pool.submit(self.verify, response, truth, finish_reason=reason, limits=limits)
            for at, (response, truth, reason) in enumerate(parsed)
            if not isinstance(truth, MathTruth)
        }
        jobs = [pool.submit(self._chunk, [parsed[at] for at in chunk], workers, limits) for chunk in chunks]
        verdicts = {at: future.result() for at, future in found.items()}
        for chunk, job in zip(chunks, jobs, strict=True):
            verdicts.update(zip(chunk, job.result(), strict=True))
        return [verdicts[at] for at in range(len(window))]

    def _chunk(
        self, chunk: Sequence[tuple[str, GroundTruth, str | None]], workers: int, limits: Limits
    ) -> list[Verdict]:
        """Judge one chunk of maths in a worker process; in this one where it is small."""
        items = [(response, truth, reason) for response, truth, reason in chunk if isinstance(truth, MathTruth)]
        if len(items) >= _SMALLEST_CHUNK:
            return self._in_worker(items, workers, limits)
        return [self.verify(response, truth, finish_reason=reason, limits=limits) for response, truth, reason in items]

    def _in_worker(self, items: list[tuple[str, MathTruth, str | None]], workers: int, limits: Limits) -> list[Verdict]:
        """Judge a chunk in a worker process; where that dies, each half in another one, down to single answers."""
        from or1_reward.chunks import request_of, verdicts_of
        from or1_reward.workers import WorkerFailureError, WorkerOverdueError

        limit_s = _CHUNK_LIMIT_S + _STARVED_FACTOR * len(items) * (self.settings.time_s + self.settings.symbolic_time_s)
        try:
            request = request_of(items, self.settings, limits)
            return verdicts_of(_batch_pool(workers).ask(request, limit_s, wall_s=limit_s))
        except WorkerFailureError as error:
            if isinstance(error, WorkerOverdueError) or len(items) == 1:
                return [Verdict(status=Status.VERIFIER_ERROR, detail=str(error))] * len(items)
        middle = len(items) // 2
        return [*self._in_worker(items[:middle], workers, limits), *self._in_worker(items[middle:], workers, limits)]

    async def averify(
        self, response: str, ground_truth: object, *, finish_reason: str | None = None, limits: Limits = _DEFAULT_LIMITS
    ) -> Verdict:
        """Judge one response without blocking the event loop; see the function `averify`."""
        import asyncio

        def judge() -> Verdict:
            return self.verify(response, ground_truth, finish_reason=finish_reason, limits=limits)

        return await asyncio.get_running_loop().run_in_executor(_async_pool(), judge)

    def _judge(self, response: str, truth: GroundTruth, finish_reason: str | None, limits: Limits) -> Verdict:
        if finish_reason == "length":
            return Verdict(status=Status.TRUNCATED, detail="the engine stopped at its length limit")
        if not isinstance(response, str):
            return Verdict(status=Status.NO_ANSWER, detail=f"the response is {type(response).__name__}, not text")
        if not isinstance(truth, MathTruth):
            from or1_reward.code import verify_code  # heavy: processes and jails

            return verify_code(response, truth, limits, settings=self.code)
        answer = final_part(response)
        if answer is None:
            return Verdict(status=Status.TRUNCATED, detail="the reasoning was opened and never closed")
        for _ in range(_ATTEMPTS):
            verdict = self._grade(answer, truth, limits)
            if verdict.status is not Status.VERIFIER_ERROR:
                break
        return verdict

    def _grade(self, answer: str, truth: MathTruth, limits: Limits) -> Verdict:
        from or1_reward.maths.verify import verify_maths  # 20 of 51 ms of CPU time to import

        return verify_maths(answer, truth, self.settings, limits)


@lru_cache(4)
def _batch_pool(workers: int) -> WorkerPool:
    from or1_reward.workers import WorkerPool

    return WorkerPool("or1_reward.batch_worker", size=workers, memory_mb=0)


@lru_cache(1)
def _async_pool() -> ThreadPoolExecutor:
    """Threads of our own: a slow verdict must not take the default executor from the host program."""
    from concurrent.futures import ThreadPoolExecutor

    return ThreadPoolExecutor(_ASYNC_THREADS, thread_name_prefix="or1-reward-async")


def unpacked(item: Item) -> tuple[str, object, str | None]:
    """(response, ground truth, finish reason) of an item of `verify_many`."""
    if isinstance(item, Mapping):
        return item["response"], item["ground_truth"], item.get("finish_reason")
    response, ground_truth, *rest = item
    return response, ground_truth, rest[0] if rest else None
