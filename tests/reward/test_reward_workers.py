"""Worker processes: limits, deaths, forks, threads, event loops, and no survivors."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

import or1_reward
from or1_reward import Status
from or1_reward.maths.parse.parser import parse
from or1_reward.maths.symbolic import client as symbolic
from or1_reward.workers import WorkerFailureError, WorkerMemoryError, WorkerOverdueError, WorkerPool, WorkerTimeoutError

SYMBOLIC = (r"\boxed{\int_0^1 x^2\,dx}", r"\frac{1}{3}")
ENDLESS = r"\int_{0}^{\infty} e^{-x^{x^{x}}} \sin(x^x) dx"


def alive(pid: int) -> bool:
    """Whether a process runs (a zombie does not)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def gone(pids: list[int], within_s: float = 40.0) -> bool:
    deadline = time.monotonic() + within_s
    while any(map(alive, pids)) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not any(map(alive, pids))


@pytest.fixture
def pool() -> WorkerPool:
    made = WorkerPool("or1_reward.maths.symbolic.worker", size=2, memory_mb=1024)
    yield made
    made.close()


def request(left: str, right: str) -> dict[str, object]:
    return {"left": symbolic.encoded(parse(left)), "right": symbolic.encoded(parse(right))}


def pids(pool: WorkerPool) -> list[int]:
    return [worker.process.pid for worker in pool.idle]


def test_a_worker_is_reused(pool: WorkerPool) -> None:
    assert pool.ask(request(r"\frac{d}{dx} x^3", "3x^2"), 5)["equal"] is True
    first = pids(pool)
    assert pool.ask(request(r"\frac{d}{dx} x^3", "2x^2"), 5)["equal"] is False
    assert pids(pool) == first and len(first) == 1


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def answering(pool: WorkerPool) -> int:
    """The process that answers, which the only idle worker has forked."""
    deadline = time.monotonic() + 20
    while not (found := children(pids(pool)[0])) and time.monotonic() < deadline:
        time.sleep(0.01)
    return found[0]


def warm(pool: WorkerPool) -> int:
    """The worker's process, once a child answers that is not replaced after its first answer."""
    before = -1
    for _ in range(100):
        assert pool.ask(request("1", "1"), 5)["equal"] is True
        if before == (before := answering(pool)):
            break
        time.sleep(0.1)
    return pids(pool)[0]


def test_what_is_over_its_time_is_killed_and_replaced_without_a_new_start(pool: WorkerPool) -> None:
    worker, first = warm(pool), answering(pool)
    for _ in range(3):
        with pytest.raises(WorkerTimeoutError):
            pool.ask(request(ENDLESS, "1"), 0.05)
        assert pool.ask(request("1", "1"), 5)["equal"] is True
    assert gone([first]) and pids(pool) == [worker] and len(children(worker)) == 1


def test_a_worker_that_does_not_answer_in_time_is_ended_and_its_answer_goes_to_nobody(pool: WorkerPool) -> None:
    worker, first = warm(pool), answering(pool)
    with pytest.raises(WorkerOverdueError, match="too busy"):
        pool.ask(request(ENDLESS, "1"), 20, wall_s=0.2)
    assert gone([worker, first])
    assert pool.ask(request("x+x", "2x"), 5)["equal"] is True
    assert pool.ask(request("x+x", "3x"), 5)["equal"] is False


def test_no_signal_can_end_the_next_question(pool: WorkerPool) -> None:
    """Questions that run into their limit, and short ones, in turns from several threads: each gets its own answer."""
    warm(pool)

    def one(number: int) -> bool | None:
        try:
            left = ENDLESS if number % 3 == 0 else f"x+{number}"
            return pool.ask(request(left, f"{number}+x"), 0.05 if number % 3 == 0 else 5)["equal"]
        except WorkerTimeoutError:
            return None

    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(one, range(60)))
    assert found == [None if number % 3 == 0 else True for number in range(60)]


def test_the_answer_says_what_it_took(pool: WorkerPool) -> None:
    assert 0 <= pool.ask(request("1", "1"), 5)["cpu_s"] < 5


def test_memory_of_one_question_is_limited(pool: WorkerPool) -> None:
    with pytest.raises((WorkerMemoryError, WorkerFailureError)):
        pool.ask({**request("x" * 200 + "1", "1"), "left": ["app", "x" * 9_000_000, []], "memory_mb": 64}, 20)
    assert pool.ask(request("1", "1"), 5)["equal"] is True


def test_a_child_killed_from_outside_leaves_no_answer_behind(pool: WorkerPool) -> None:
    """Killed while idle, and while it works: the question at hand fails, the next ones get their own answers."""
    warm(pool)
    for _ in range(3):
        os.kill(answering(pool), signal.SIGKILL)
        assert pool.ask(request("x+x", "3x"), 5)["equal"] is False
        assert pool.ask(request("x+x", "2x"), 5)["equal"] is True
    threading.Timer(0.5, os.kill, (answering(pool), signal.SIGKILL)).start()
    with pytest.raises(WorkerFailureError, match="ended with -9"):
        pool.ask(request(ENDLESS, "1"), 20)
    assert pool.ask(request("x+x", "2x"), 5)["equal"] is True


def test_a_worker_that_was_killed_is_replaced(pool: WorkerPool) -> None:
    pool.ask(request("1", "1"), 5)
    (first,) = pids(pool)
    os.kill(first, signal.SIGKILL)
    assert gone([first])
    assert pool.ask(request("1", "1"), 5)["equal"] is True


def test_a_worker_killed_while_it_works_is_a_failure_not_a_verdict(pool: WorkerPool) -> None:
    pool.ask(request("1", "1"), 5)
    ended = threading.Event()
    killer = threading.Thread(target=kill_workers, args=(ended,))
    killer.start()
    try:
        with pytest.raises(WorkerFailureError):
            pool.ask(request(ENDLESS, "1"), 20)
    finally:
        ended.set()
        killer.join()


def kill_workers(ended: threading.Event) -> None:
    """Kill every worker of this process each 0.3 s: one that is killed while idle is replaced, and killed at work."""
    while not ended.wait(0.3):
        for task in Path(f"/proc/{os.getpid()}/task").iterdir():
            for child in (task / "children").read_text().split():
                with suppress(FileNotFoundError, ProcessLookupError):  # it may have ended by itself
                    if b"symbolic.worker" in Path(f"/proc/{child}/cmdline").read_bytes():
                        os.kill(int(child), signal.SIGKILL)


def test_a_worker_stopped_by_a_signal_does_not_hang_the_caller(
    pool: WorkerPool,
) -> None:
    pool.ask(request("1", "1"), 5)
    (first,) = pids(pool)
    os.killpg(first, signal.SIGSTOP)
    with pytest.raises(WorkerOverdueError):
        pool.ask(request("1", "1"), 0.2, wall_s=0.3)
    assert gone([first])
    assert pool.ask(request("1", "1"), 5)["equal"] is True


def test_memory_of_a_worker_is_limited() -> None:
    small = WorkerPool("or1_reward.maths.symbolic.worker", size=1, memory_mb=400)
    huge = ["app", "x" * 90_000_000, []]  # its symbol's name alone needs several copies of that
    try:
        with pytest.raises(WorkerMemoryError):
            small.ask({"left": huge, "right": huge}, 20)
        assert small.ask(request("1", "1"), 5)["equal"] is True
    finally:
        small.close()


def test_an_endless_comparison_is_a_time_limit_and_scores_zero() -> None:
    verdict = or1_reward.verify(f"\\boxed{{{ENDLESS}}}", "1")
    assert verdict.status is Status.TIME_LIMIT and verdict.reward == 0.0


def test_a_failure_of_ours_is_retried_once_and_then_no_zero(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []

    def broken(*_: object, **__: object) -> bool:
        calls.append(1)
        raise symbolic.SymbolicFailureError("no worker")

    monkeypatch.setattr("or1_reward.maths.equal.ladder.ask", broken)
    verdict = or1_reward.verify(r"\boxed{\int_0^1 x^4\,dx}", r"\frac{1}{5}")
    assert verdict.status is Status.VERIFIER_ERROR and verdict.reward is None
    assert len(calls) == 2


def test_in_threads() -> None:
    with ThreadPoolExecutor(8) as threads:
        verdicts = list(threads.map(lambda _: or1_reward.verify(*SYMBOLIC).reward, range(16)))
    assert verdicts == [1.0] * 16


def test_in_asyncio_the_loop_stays_free() -> None:
    async def run() -> tuple[list[float | None], int]:
        ticks = 0

        async def tick() -> None:
            nonlocal ticks
            while True:
                await asyncio.sleep(0.01)
                ticks += 1

        ticking = asyncio.create_task(tick())
        jobs = [or1_reward.averify(rf"\boxed{{\lim_{{x \to 0}} x^{{x^{{x^{{{n}x}}}}}}}}", "1") for n in (2, 3)]
        jobs += [or1_reward.averify(rf"\boxed{{{n}}}", n) for n in range(50)]
        verdicts = await asyncio.gather(*jobs)
        ticking.cancel()
        return [verdict.reward for verdict in verdicts], ticks

    rewards, ticks = asyncio.run(run())
    assert rewards[2:] == [1.0] * 50
    assert ticks > 5


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_in_a_daemonic_process_also_after_a_fork(method: str) -> None:
    assert or1_reward.verify(*SYMBOLIC).reward == 1.0  # the parent's worker is not the child's
    with multiprocessing.get_context(method).Pool(1) as pool:  # its processes are daemonic
        verdict = pool.apply_async(or1_reward.verify, (r"\boxed{\int_0^2 x^2\,dx}", r"\frac{8}{3}")).get(timeout=60)
    assert verdict.reward == 1.0
    assert or1_reward.verify(r"\boxed{\int_0^3 x^2\,dx}", "9").reward == 1.0


PARENT = r"""
import os, sys, time, pathlib, or1_reward
or1_reward.verify(r"\boxed{\int_0^1 x^2\,dx}", r"\frac{1}{3}")
or1_reward.verify_many([(r"\boxed{%d}" % n, n) for n in range(600)], workers=2)
me = os.getpid()
def children(pid):
    found = [int(c) for t in pathlib.Path(f"/proc/{pid}/task").iterdir() for c in (t / "children").read_text().split()]
    return found + [grand for child in found for grand in children(child)]
print(*children(me), flush=True)
if sys.argv[1] == "exit":
    sys.exit(0)
time.sleep(60)
"""


@pytest.mark.parametrize("ending", ["exit", "SIGKILL", "SIGTERM"])
def test_no_worker_outlives_its_parent(ending: str) -> None:
    parent = subprocess.Popen([sys.executable, "-c", PARENT, ending], stdout=subprocess.PIPE, text=True)
    assert parent.stdout
    workers = [int(pid) for pid in parent.stdout.readline().split()]
    assert len(workers) >= 2
    if ending != "exit":
        parent.send_signal(getattr(signal, ending))
    parent.wait(timeout=30)
    assert gone(workers)


def test_verify_many_keeps_order_over_processes() -> None:
    items = [(rf"\boxed{{{n}}}", str(n if n % 3 else n + 1)) for n in range(700)]
    rewards = [verdict.reward for verdict in or1_reward.verify_many(items, workers=2)]
    assert rewards == [float(bool(n % 3)) for n in range(700)]
    mixed = [
        {"response": "1", "ground_truth": 1},
        ("1", "2"),
        ("1", 1, "length"),
        {"response": "x", "ground_truth": "x"},
    ]
    statuses = [verdict.status.value for verdict in or1_reward.verify_many(mixed, workers=3)]
    assert statuses == ["correct", "wrong", "truncated", "correct"]


def test_verify_many_survives_the_death_of_its_workers() -> None:
    from or1_reward.grading import _batch_pool

    items = [(rf"\boxed{{{n}}}", str(n)) for n in range(2000)]
    or1_reward.verify_many(items[:200], workers=2)
    killed = [worker.process.pid for worker in _batch_pool(2).idle]
    assert killed
    for pid in killed:
        os.kill(pid, signal.SIGSTOP if pid == killed[0] else signal.SIGKILL)
    threading.Timer(0.5, lambda: [os.kill(pid, signal.SIGKILL) for pid in killed if alive(pid)]).start()
    assert all(verdict.reward == 1.0 for verdict in or1_reward.verify_many(items, workers=2))


def test_an_answer_that_kills_its_worker_is_the_only_verifier_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """The chunk is judged by other workers, in halves; never by the caller's own process."""
    from or1_reward import grading

    class Fragile:
        def ask(self, request: dict[str, object], *_: object, **__: object) -> dict[str, object]:
            items = request["items"]
            if any(response == "bomb" for response, _, _ in items):  # type: ignore[attr-defined]
                raise WorkerFailureError("a worker ended with -11")
            return {"verdicts": [("correct", response, "", 0.0) for response, _, _ in items]}  # type: ignore[attr-defined]

    monkeypatch.setattr(grading, "_batch_pool", lambda _: Fragile())
    monkeypatch.setattr(grading.Grader, "verify", None)
    items = [("bomb" if n == 37 else str(n), str(n)) for n in range(100)]
    rewards = [verdict.reward for verdict in or1_reward.verify_many(items, workers=2)]
    assert [at for at, reward in enumerate(rewards) if reward is None] == [37]


def test_a_chunk_that_is_overdue_is_not_judged_again(monkeypatch: pytest.MonkeyPatch) -> None:
    from or1_reward import grading

    class Stuck:
        def ask(self, *_: object, **__: object) -> dict[str, object]:
            raise WorkerOverdueError("no answer in time")

    monkeypatch.setattr(grading, "_batch_pool", lambda _: Stuck())
    monkeypatch.setattr(grading.Grader, "verify", None)
    verdicts = or1_reward.verify_many([(str(n), str(n)) for n in range(100)], workers=2)
    assert {verdict.status for verdict in verdicts} == {Status.VERIFIER_ERROR}


def test_workers_must_be_positive() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        or1_reward.verify_many([("1", "1")], workers=0)


def test_import_is_light() -> None:
    code = "import sys, or1_reward; print(*[m for m in ('numpy', 'torch', 'sympy', 'mpmath') if m in sys.modules])"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out.strip() == ""
    code = code.replace(
        "import sys, or1_reward;", r"import sys, or1_reward; or1_reward.verify('\\boxed{\\sqrt{8}}', '2\\sqrt2');"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out.strip() == ""
