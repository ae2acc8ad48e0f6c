"""The test run itself: no network, one torch thread per worker, and CI runs the README's test command."""

from __future__ import annotations

import os
import re
import socket
import subprocess
from pathlib import Path

import pytest


def test_other_machines_cannot_be_reached() -> None:
    with socket.socket() as client, pytest.raises(RuntimeError, match="loopback"):
        client.connect(("192.0.2.1", 80))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client, pytest.raises(RuntimeError, match="loopback"):
        client.sendto(b"x", ("192.0.2.1", 80))


def test_loopback_can_be_reached() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
        accepted, _ = server.accept()
        with accepted:
            client.sendall(b"ping")
            assert accepted.recv(4) == b"ping"


@pytest.mark.skipif("PYTEST_XDIST_WORKER" not in os.environ, reason="threads are limited in xdist workers only")
def test_a_worker_computes_on_one_thread() -> None:
    import torch

    assert torch.get_num_threads() == 1


def test_ci_runs_the_test_command_of_the_readme(repo_root: Path) -> None:
    readme, ci = (repo_root / "README.md").read_text(), (repo_root / ".ci" / "run").read_text()
    command = re.search(r"^(?:\$ )?(uv run pytest.*)$", readme, flags=re.MULTILINE)
    assert command, "the README shows no test command"
    assert re.search(rf"^step tests \d+ {re.escape(command[1])}$", ci, flags=re.MULTILINE)


def test_ci_fails_when_a_check_fails(repo_root: Path, tmp_path: Path) -> None:
    """Run the real script with a `uv` that fails at lint only: the other checks still run, the exit is 1."""
    (tmp_path / ".ci").mkdir()
    (tmp_path / ".ci" / "run").write_text((repo_root / ".ci" / "run").read_text())
    fake = tmp_path / "bin" / "uv"
    fake.parent.mkdir()
    fake.write_text('#!/bin/sh\necho "$@" >> calls\n[ "$*" != "run ruff check ." ]\n')
    fake.chmod(0o755)
    environment = {**os.environ, "PATH": f"{fake.parent}:{os.environ['PATH']}"}
    done = subprocess.run(
        ["bash", ".ci/run"], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60
    )
    calls = (tmp_path / "calls").read_text().splitlines()
    assert done.returncode == 1
    assert "failed: lint (exit 1)" in done.stdout
    assert {"run ruff format --check .", "run mypy", "run pytest"} <= set(calls)
