"""The adversarial suite as this user, and as an ordinary user if we are root; the honest programs others reject."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest

from or1_reward.code import judge_program
from or1_reward.sandbox import Sandbox, SandboxConfig

ATTACKS = Path(__file__).resolve().parent / "attacks"
NOBODY = 65534

spec = spec_from_file_location("or1_attack_suite", ATTACKS / "suite.py")
assert spec is not None
assert spec.loader is not None
suite = module_from_spec(spec)
sys.modules["or1_attack_suite"] = suite
spec.loader.exec_module(suite)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(SandboxConfig(workers=1)) as made:
        yield made


@pytest.fixture(scope="module")
def canaries() -> Iterator[object]:
    made = suite.Canaries()
    yield made
    made.close()


@pytest.mark.parametrize("attack", suite.load_attacks(), ids=lambda attack: attack.name)
def test_attack(attack: object, canaries: object, sandbox: Sandbox) -> None:
    assert suite.run_attack(attack, canaries, sandbox) == ""


@pytest.mark.parametrize(("name", "source", "truth"), suite.load_benign(), ids=[row[0] for row in suite.load_benign()])
def test_honest_program(name: str, source: str, truth: object, sandbox: Sandbox) -> None:
    verdict = judge_program(source, truth, suite.BENIGN_LIMITS, sandbox=sandbox)
    assert verdict.status == "correct", verdict.detail


def test_nothing_is_left_behind(sandbox: Sandbox) -> None:
    for name in ("fork_bomb_quiet", "daemon", "orphan_storm", "late_writer"):
        attack = next(attack for attack in suite.load_attacks() if attack.name == name)
        _ = sandbox.layers  # at least one idle worker
        before = suite.jail_processes(sandbox)
        judge_program(attack.source, suite.truth_for("stdio", "x"), suite.LIMITS, sandbox=sandbox)
        assert suite.idle_processes(sandbox, before) <= before, name


def readable_python() -> str | None:
    """An interpreter that any user may start."""
    for name in (os.path.realpath(sys.executable), "/usr/bin/python3", "/usr/local/bin/python3"):
        path = Path(name)
        reachable = path.exists() and all(part.stat().st_mode & 0o001 for part in path.resolve().parents)
        if (
            reachable
            and subprocess.run([name, "-c", "import sys; sys.exit(sys.version_info < (3, 11))"]).returncode == 0
        ):
            return name
    return None


@pytest.mark.slow
def test_all_attacks_as_an_ordinary_user() -> None:
    if os.geteuid() != 0:
        pytest.skip("not root: the tests above already ran as an ordinary user")
    python = readable_python()
    if python is None:
        pytest.skip("no Python >= 3.11 on this machine that an ordinary user may start")
    copied = Path(tempfile.mkdtemp(prefix="or1-test-"))
    try:
        shutil.copytree(Path(sys.modules["or1_reward"].__file__).parent, copied / "or1_reward")
        shutil.copytree(ATTACKS, copied / "attacks")
        subprocess.run(["chmod", "-R", "a+rX", str(copied)], check=True)
        command = [python, "-B", str(copied / "attacks" / "suite.py")]
        environment = {"PYTHONPATH": str(copied), "PATH": os.environ["PATH"]}
        done = subprocess.run(
            command,
            env=environment,
            cwd="/",
            user=NOBODY,
            group=NOBODY,
            extra_groups=[],
            capture_output=True,
            text=True,
            timeout=280,
        )
        first, *lines = [json.loads(line) for line in done.stdout.splitlines()]
        assert first["uid"] == NOBODY
        assert [line for line in lines if line["wrong"]] == []
        assert len(lines) == len(suite.load_attacks()) + len(suite.load_benign()), done.stderr
    finally:
        shutil.rmtree(copied)
