# ruff: noqa: E501 - programs under test, kept on one line each
"""Processes that die, threads, event loops, forks: no wrong verdict, nothing left."""

import asyncio
import contextlib
import multiprocessing
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

import or1_reward
from or1_reward.code import judge_program, judging
from or1_reward.ground_truth import StdioTruth
from or1_reward.sandbox import Sandbox, SandboxConfig
from or1_reward.sandbox.keeper import watch
from or1_reward.sandbox.keeper.clock import Clock
from or1_reward.sandbox.keeper.watch import descendants
from or1_reward.types import Limits, Status

ECHO, ONE = "print(input())", StdioTruth(("1",), ("1",))
SLOW = "import time\ntime.sleep(0.4)\nprint(input())"


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def all_gone(pids: list[int], patience_s: float = 5.0) -> bool:
    deadline_s = time.monotonic() + patience_s
    while any(alive(pid) for pid in pids) and time.monotonic() < deadline_s:
        time.sleep(0.02)
    return not any(alive(pid) for pid in pids)


def folders() -> set[str]:
    return {path.name for path in Path(tempfile.gettempdir()).glob(f"or1-sandbox-*-{os.getpid()}-*")}


@pytest.mark.parametrize("victim", ["keeper", "template", "child"])
def test_a_killed_process_never_makes_a_wrong_verdict(victim: str) -> None:
    other_folders = folders()
    with Sandbox(SandboxConfig(workers=1)) as sandbox:
        _ = sandbox.layers
        worker = sandbox._idle[0]
        keeper, template = worker.process.pid, worker.jail_pid
        verdicts = []
        thread = threading.Thread(target=lambda: verdicts.append(judge_program(SLOW, ONE, sandbox=sandbox)))
        thread.start()
        time.sleep(0.2)
        target = {"keeper": keeper, "template": template, "child": next(iter(descendants(template)), template)}[victim]
        os.kill(target, signal.SIGKILL)
        thread.join()
        assert verdicts[0].status is Status.CORRECT
        assert judge_program(ECHO, ONE, sandbox=sandbox).status is Status.CORRECT
        if victim != "child":
            assert all_gone([template])
    assert folders() <= other_folders


def test_killed_again_and_again_is_a_verifier_error() -> None:
    with Sandbox(SandboxConfig(workers=1)) as sandbox:
        stop = threading.Event()

        def hunt() -> None:
            while not stop.is_set():
                for pid in descendants(os.getpid()):
                    with suppress(ProcessLookupError, FileNotFoundError):  # it may end between two looks
                        if b"keeper.main" in Path(f"/proc/{pid}/cmdline").read_bytes():
                            os.kill(pid, signal.SIGKILL)
                time.sleep(0.01)

        hunter = threading.Thread(target=hunt)
        hunter.start()
        verdict = judge_program("import time\ntime.sleep(3)\nprint(input())", ONE, sandbox=sandbox)
        stop.set()
        hunter.join()
    assert (verdict.status, verdict.reward) == (Status.VERIFIER_ERROR, None)


@pytest.mark.parametrize(("held_mb", "wanted"), [(0, Status.VERIFIER_ERROR), (200, Status.MEMORY_LIMIT)])
def test_a_program_killed_from_outside_every_time(
    held_mb: int, wanted: Status, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Our failure, unless it held so much memory each time that the kernel's own killer explains it."""
    monkeypatch.setattr(judging, "_MOST_ATTEMPTS", 3)
    monkeypatch.setattr(judging, "_ATTEMPTS", 3)
    program = f"x = bytearray({held_mb} << 20)\nfor n in range(0, len(x), 4096): x[n] = 1\nopen('ready', 'w')\nimport time\ntime.sleep(20)"
    with Sandbox(SandboxConfig(workers=1)) as sandbox:
        _ = sandbox.layers
        template = sandbox._idle[0].jail_pid
        stop = threading.Event()

        def hunt() -> None:
            while not stop.wait(0.01):
                for pid in descendants(template):
                    if watch.resident_mb(pid) > held_mb and watch.stat_fields(f"/proc/{pid}")[:1] == ["S"]:
                        with contextlib.suppress(ProcessLookupError):
                            os.kill(pid, signal.SIGKILL)

        hunter = threading.Thread(target=hunt)
        hunter.start()
        verdict = judge_program(program, ONE, Limits(memory_mb=256), sandbox=sandbox)
        stop.set()
        hunter.join()
    assert verdict.status is wanted, verdict.detail


def test_a_probe_of_the_host_that_is_killed_is_no_answer() -> None:
    """Else the jail would be built with fewer layers, and programs that fork would be called wrong."""
    code = (
        "import os, signal\n"
        "from or1_reward.sandbox.inside import linux, lockdown\n"
        "linux.unshare = lambda flags: {}\n"
        "print(lockdown._can_make_namespaces())"
    )
    answers = {
        "os.kill(os.getpid(), signal.SIGKILL)": (-signal.SIGKILL, ""),
        "os._exit(3)": (0, "False\n"),
        "None": (0, "True\n"),
    }
    for act, wanted in answers.items():
        command = [sys.executable, "-c", code.format(act)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert (done.returncode, done.stdout) == wanted, done.stderr


def test_load_with_killers_leaves_nothing() -> None:
    programs = [
        (ECHO, Status.CORRECT), ("print(2)", Status.WRONG), ("1 / 0", Status.RUNTIME_ERROR),
        ("import os\nwhile True:\n    try: os.fork()\n    except OSError: pass", None),
        ("x = []\nwhile True: x.append(bytearray(1 << 24))", Status.MEMORY_LIMIT),
        ("import os, time\nif os.fork() == 0:\n    os.setsid()\n    time.sleep(99)\nprint(input())", Status.CORRECT),
    ]  # fmt: skip
    work = [programs[number % len(programs)] for number in range(60)]
    limits = Limits(time_s=0.5, memory_mb=200, processes=16)
    before, other_folders = set(descendants(os.getpid())), folders()
    done: list[or1_reward.Verdict] = []
    with Sandbox(SandboxConfig(workers=2)) as sandbox:
        stop = threading.Event()

        def kill_at_random() -> None:
            """One process for every third verdict: a pace that goes with the machine's."""
            dice, killed = random.Random(1), 0
            while not stop.wait(0.02):
                if len(done) < 3 * killed:
                    continue
                pids = [
                    pid for pid in descendants(os.getpid()) if pid not in before and b"keeper.main" in _command(pid)
                ]
                if pids:
                    killed, keeper = killed + 1, dice.choice(pids)
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(dice.choice([keeper, *descendants(keeper)[:3]]), signal.SIGKILL)

        def judged(row: tuple[str, Status | None]) -> or1_reward.Verdict:
            verdict = judge_program(row[0], ONE, limits, sandbox=sandbox)
            done.append(verdict)
            return verdict

        killer = threading.Thread(target=kill_at_random)
        killer.start()
        try:
            with ThreadPoolExecutor(2) as pool:
                verdicts = list(pool.map(judged, work))
        finally:
            stop.set()
            killer.join()
    for (program, wanted), verdict in zip(work, verdicts, strict=True):
        assert verdict.status is not Status.CORRECT or wanted is Status.CORRECT, program
        assert verdict.status is not Status.VERIFIER_ERROR, verdict.detail
        assert wanted in {None, verdict.status}, (program, verdict.detail)
    assert all_gone([pid for pid in descendants(os.getpid()) if pid not in before])
    assert folders() <= other_folders


def _command(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return b""


def test_a_killed_grader_takes_everything_with_it() -> None:
    source = Path(or1_reward.__file__).parent.parent
    script = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "import threading, time\n"
        "from or1_reward.code import judge_program\n"
        "from or1_reward.ground_truth import StdioTruth\n"
        "threading.Thread(target=judge_program, args=('import os\\nos.fork()\\nwhile True: pass', StdioTruth(('',), ('',)))).start()\n"
        "print('ready', flush=True); time.sleep(60)\n"
    )
    grader = subprocess.Popen([sys.executable, "-c", script, str(source)], stdout=subprocess.PIPE)
    assert grader.stdout is not None
    assert grader.stdout.readline() == b"ready\n"
    while len(below := descendants(grader.pid)) < 5:  # keeper, stand-by, template, the program and its child
        assert grader.poll() is None
        time.sleep(0.01)
    grader.kill()
    grader.wait()
    grader.stdout.close()
    assert all_gone(below)


def test_from_many_threads_and_an_event_loop() -> None:
    with Sandbox(SandboxConfig(workers=2)) as sandbox:
        with ThreadPoolExecutor(8) as pool:
            assert all(
                v.status is Status.CORRECT
                for v in pool.map(lambda _: judge_program(ECHO, ONE, sandbox=sandbox), range(24))
            )
        assert len(sandbox._idle) <= 2

    async def both() -> list[or1_reward.Verdict]:
        rows = [f"```python\nprint({number})\n```" for number in (1, 2)]
        return await asyncio.gather(*(or1_reward.averify(row, {"inputs": ["1"], "outputs": ["1"]}) for row in rows))

    assert [verdict.status for verdict in asyncio.run(both())] == [Status.CORRECT, Status.WRONG]


def test_a_worker_made_in_a_thread_that_ends_goes_on() -> None:
    with Sandbox(SandboxConfig(workers=1)) as sandbox:
        thread = threading.Thread(target=lambda: sandbox.layers)
        thread.start()
        thread.join()
        pid = sandbox._idle[0].process.pid
        time.sleep(0.2)
        assert judge_program(ECHO, ONE, sandbox=sandbox).status is Status.CORRECT
        assert sandbox._idle[0].process.pid == pid


def _in_child(queue: "multiprocessing.Queue[str]") -> None:
    queue.put(judge_program(ECHO, ONE).status.value)


def test_in_a_daemonic_forked_child_of_a_process_that_has_workers() -> None:
    assert judge_program(ECHO, ONE).status is Status.CORRECT
    context = multiprocessing.get_context("fork")
    queue: multiprocessing.Queue[str] = context.Queue()
    child = context.Process(target=_in_child, args=(queue,), daemon=True)
    child.start()
    assert queue.get(timeout=30) == "correct"
    child.join(10)
    assert judge_program(ECHO, ONE).status is Status.CORRECT


def test_the_event_of_a_signal_handler_does_not_reach_the_jail() -> None:
    """Control-C in a terminal goes to the grader alone: keepers have a session of their own."""
    with Sandbox(SandboxConfig(workers=1)) as sandbox:
        _ = sandbox.layers
        assert os.getsid(sandbox._idle[0].process.pid) != os.getsid(0)


def test_import_stays_light() -> None:
    source = Path(or1_reward.__file__).parent.parent
    heavy = "[name for name in ('subprocess', 'http', 'ctypes', 'or1_reward.sandbox', 'or1_reward.code', 'or1_reward.serve') if name in sys.modules]"
    script = f"import sys; sys.path.insert(0, {str(source)!r}); import or1_reward.types, or1_reward.ground_truth; print({heavy})"
    done = subprocess.run([sys.executable, "-S", "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_closed_sandbox_says_so() -> None:
    sandbox = Sandbox(SandboxConfig(workers=1))
    sandbox.close()
    with pytest.raises(ValueError, match="closed"):
        _ = sandbox.layers


def test_verdicts_do_not_depend_on_the_load() -> None:
    """A program that needs 0.6 s of CPU passes a limit of 1 s, however long it has to wait for a core."""
    program = "import time\nend = time.process_time() + 0.6\nwhile time.process_time() < end: pass\nprint(input())"
    spinners = [
        subprocess.Popen([sys.executable, "-S", "-c", "while True: pass"]) for _ in range(2 * (os.cpu_count() or 1))
    ]
    try:
        with Sandbox(SandboxConfig(workers=1)) as sandbox:
            assert judge_program(program, ONE, Limits(time_s=1.0), sandbox=sandbox).status is Status.CORRECT
    finally:
        for spinner in spinners:
            spinner.kill()
            spinner.wait()


class Machine:
    """A pretended /proc and time: `state` and `counters` of one task of a test, read by the clock."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now_s, self.state, self.counters = 100.0, "S", "0 0 0"
        monkeypatch.setattr(time, "monotonic", lambda: self.now_s)
        monkeypatch.setattr(watch, "read", self.read)
        monkeypatch.setattr(watch, "listed", lambda folder: ["7"])
        monkeypatch.setattr("or1_reward.sandbox.keeper.clock._stolen_s", lambda: 0.0)
        self.clock = Clock(1, 0.03)

    def read(self, path: str) -> str:
        if path.startswith("/proc/1/"):
            return "0 0 0" if path.endswith("schedstat") else "1 (python3) S 0"
        return self.counters if path.endswith("schedstat") else f"7 (a) b) {self.state} 1"

    def go_on(self, seconds: float, state: str, *, running_s: float = 0.0, waited_s: float = 0.0) -> float:
        """Let time pass in steps of 30 ms; returns how far the test's clock went meanwhile."""
        before_s = self.clock.own_s
        steps = round(seconds / 0.03)
        for step in range(1, steps + 1):
            self.now_s, self.state = self.now_s + 0.03, state
            ran_ns = int(1e9 * running_s * step / steps)
            self.counters = f"{ran_ns} {int(1e9 * waited_s)} 1" if running_s or waited_s else self.counters
            self.clock.look([7])
        return self.clock.own_s - before_s


def test_the_clock_of_a_test_stands_still_while_it_waits_for_a_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine(monkeypatch)
    assert machine.go_on(0.9, "S") == pytest.approx(0.9), "asleep by its own will"
    assert machine.go_on(0.9, "R", running_s=0.9) == pytest.approx(0.9), "at work"
    assert machine.go_on(3.0, "R") == pytest.approx(0.0, abs=0.04), "runnable, and its counters do not move"
    assert machine.go_on(0.3, "S", running_s=0.95, waited_s=3.0) == pytest.approx(0.3, abs=0.07), (
        "the kernel says so too"
    )
    machine.now_s += 5.0
    assert machine.go_on(0.03, "S") < 0.1, "the keeper itself was not run for five seconds"


def test_sleeping_is_not_waiting_however_loaded_the_machine() -> None:
    spinners = [subprocess.Popen([sys.executable, "-S", "-c", "while True: pass"]) for _ in range(4)]
    try:
        with Sandbox(SandboxConfig(workers=1)) as sandbox:
            verdict = judge_program(
                "import time\ntime.sleep(30)\nprint(input())", ONE, Limits(time_s=0.5), sandbox=sandbox
            )
    finally:
        for spinner in spinners:
            spinner.kill()
            spinner.wait()
    assert verdict.status is Status.TIME_LIMIT
