"""The adversarial suite: every program in `programs/` against the sandbox, with a secret as the expected output.

Acceptance of an attack would prove that the secret leaked or that a verdict was forged. Around the programs stand
canaries: a secret in a world-readable file and in the environment, a listening TCP port, UDP port and abstract socket,
and a bystander process. After each attack an honest program must still be judged right.

`python suite.py [NAME...]` runs all of it, or these attacks, as whoever calls it and prints one JSON line per program.
"""

from __future__ import annotations

import json
import os
import secrets
import select
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from or1_reward.code import judge_program
from or1_reward.ground_truth import CallTruth, HarnessTruth, StdioTruth
from or1_reward.sandbox import Sandbox, SandboxConfig
from or1_reward.types import Limits

HERE = Path(__file__).resolve().parent
LIMITS = Limits(time_s=0.6, memory_mb=256, output_mb=8, processes=32, open_files=64)
BENIGN_LIMITS = Limits(time_s=6.0, memory_mb=1024)
HALF = "or1secretcanary"[:13]


@dataclass(frozen=True)
class Attack:
    """One program: its kind of problem and the statuses that are honest verdicts on it."""

    name: str
    tries: str
    kind: str
    seen: tuple[str, ...]
    source: str


def header(text: str, key: str) -> str:
    """The value of a `# key: value` line."""
    return next(line.split(":", 1)[1].strip() for line in text.splitlines() if line.startswith(f"# {key}:"))


def load_attacks() -> list[Attack]:
    """All programs of `programs/`; the one that is no Python is a .txt."""
    attacks = []
    for path in sorted((HERE / "programs").iterdir()):
        if path.suffix in {".py", ".txt"}:
            text = path.read_text()
            seen = tuple(word.strip() for word in header(text, "seen").split(","))
            attacks.append(Attack(path.stem, header(text, "tries"), header(text, "kind"), seen, text))
    return attacks


def truth_for(kind: str, secret: str) -> object:
    """The problem of an attack, with the secret as its expected side."""
    if kind == "stdio":
        return StdioTruth(("1\n",), (secret,))
    if kind == "state":
        return StdioTruth(("1\n",) * 3, ("0", "1", "2"))
    if kind == "call":
        return CallTruth(("1",), (json.dumps(secret),), "f")
    if kind == "harness":
        return HarnessTruth("", f"def check(candidate):\n    assert candidate(1) == {secret!r}\n", "f")
    checks = f"def check(candidate):\n    for x in ([1], 2):\n        kept = x\n        got = candidate(x)\n        assert got == {secret!r}\n        assert kept\n"
    return HarnessTruth("", checks, "f")


class Canaries:
    """What must not be touched, read or connected to."""

    def __init__(self) -> None:
        self.secret = HALF + secrets.token_hex(7)[:13]
        self.folder = tempfile.mkdtemp(prefix="or1-canary-")
        os.chmod(self.folder, 0o755)
        self.file = Path(self.folder, "canary")
        self.file.write_text(self.secret)
        self.file.chmod(0o666)
        self.metadata = (self.file.stat().st_mode, self.file.stat().st_mtime_ns, os.stat(self.folder).st_mode)
        os.environ["OR1_CANARY"] = self.secret
        self.tcp = socket.create_server(("127.0.0.1", 0))
        self.port = self.tcp.getsockname()[1]
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind(("127.0.0.1", self.port))
        self.abstract = socket.socket(socket.AF_UNIX)
        self.abstract.bind(f"\0or1-canary-{self.port}")
        self.abstract.listen()
        self.bystander = subprocess.Popen([sys.executable, "-S", "-c", "import time; time.sleep(3600)"])

    def fill(self, source: str) -> str:
        """Put the places of the canaries into a program."""
        values = {
            "SECRET_FILE": str(self.file),
            "SECRET_HALF": HALF,
            "PORT": str(self.port),
            "GRADER_PID": str(os.getpid()),
        }
        for name, value in values.items():
            source = source.replace(f"@{name}@", value)
        return source.replace("@SECRET@", "not the secret")

    def damage(self) -> str:
        """What has been touched; empty when nothing."""
        sockets = [self.tcp, self.udp, self.abstract]
        if select.select(sockets, [], [], 0)[0]:
            return "the network canary heard something"
        stat, folder = self.file.stat(), os.stat(self.folder)
        if self.file.read_text() != self.secret or len(os.listdir(self.folder)) != 1:
            return "the file canary was changed"
        if (stat.st_mode, stat.st_mtime_ns, folder.st_mode) != self.metadata:
            return "the metadata of the file canary were changed"
        return "the bystander was killed" if self.bystander.poll() is not None else ""

    def close(self) -> None:
        """Take everything down."""
        os.environ.pop("OR1_CANARY", None)
        self.bystander.kill()
        self.bystander.wait()
        for link in (self.tcp, self.udp, self.abstract):
            link.close()
        self.file.unlink()
        os.rmdir(self.folder)


def jail_processes(sandbox: Sandbox) -> int:
    """How many processes live below this one's keepers: keeper, stand-by and template per jail when idle."""
    from or1_reward.sandbox.keeper.watch import descendants

    return sum(len(descendants(worker.process.pid)) for worker in sandbox._idle)


def idle_processes(sandbox: Sandbox, wanted: int) -> int:
    """The number of processes once the kernel has buried the dead, or after two seconds."""
    deadline_s = time.monotonic() + 2.0
    while (count := jail_processes(sandbox)) > wanted and time.monotonic() < deadline_s:
        time.sleep(0.02)
    return count


def run_attack(attack: Attack, canaries: Canaries, sandbox: Sandbox) -> str:
    """Run one attack and the honest program after it; returns what went wrong, or an empty text."""
    verdict = judge_program(
        canaries.fill(attack.source), truth_for(attack.kind, canaries.secret), LIMITS, sandbox=sandbox, early_stop=False
    )
    if verdict.status == "correct":
        return f"PASSED: {verdict.detail}"
    if verdict.status not in attack.seen:
        return f"verdict {verdict.status}, expected one of {attack.seen}: {verdict.detail}"
    if attack.kind == "state" and sum(test.status == "correct" for test in verdict.tests) > 1:
        return "tests could tell each other apart"
    if canaries.secret in verdict.detail.replace(f"expected: {canaries.secret}", "").replace(
        f"== '{canaries.secret}'", ""
    ).replace(repr(canaries.secret), "").replace(json.dumps(canaries.secret), ""):
        return f"the secret came out: {verdict.detail}"
    if damage := canaries.damage():
        return damage
    after = judge_program("print(int(input()) + 1)", StdioTruth(("1",), ("2",)), BENIGN_LIMITS, sandbox=sandbox)
    return "" if after.status == "correct" else f"the next verdict was {after.status}: {after.detail}"


def load_benign() -> list[tuple[str, str, StdioTruth]]:
    """(name, program, problem) of every honest program that other graders reject."""
    problems = {
        "increment": StdioTruth(("1\n", "41\n", "7"), ("2\n", "42\n", "8\n")),
        "big_output": StdioTruth(("1\n",), ("x" * 5_000_000,)),
        "crlf": StdioTruth(("x\r\nx\r\n",), ("same\r\n",)),
        "unicode": StdioTruth(("1\n",), ("añ→日本",)),
    }
    paths = sorted((HERE / "benign").glob("*.py"))
    return [(path.stem, path.read_text(), problems[header(path.read_text(), "kind")]) for path in paths]


def main(chosen: list[str]) -> int:
    """Run everything, or the chosen attacks; one JSON line per program; exit 1 when something went wrong."""
    canaries, failures = Canaries(), 0
    with Sandbox(SandboxConfig(workers=1)) as sandbox:
        try:
            print(json.dumps({"uid": os.geteuid(), "layers": sandbox.layers}))
            for attack in load_attacks():
                if chosen and attack.name not in chosen:
                    continue
                wrong = run_attack(attack, canaries, sandbox)
                failures += bool(wrong)
                print(json.dumps({"attack": attack.name, "wrong": wrong}), flush=True)
            for name, source, truth in () if chosen else load_benign():
                verdict = judge_program(source, truth, BENIGN_LIMITS, sandbox=sandbox)
                failures += verdict.status != "correct"
                print(
                    json.dumps({"benign": name, "wrong": "" if verdict.status == "correct" else verdict.detail}),
                    flush=True,
                )
        finally:
            canaries.close()
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
