"""What a running test holds, read from outside: memory of its whole process tree, bytes in its folder and files."""

from __future__ import annotations

import os
from pathlib import Path

_PAGE = os.sysconf("SC_PAGE_SIZE")
_MIB = 1 << 20
_MOST = 1024
_MOST_THREADS = 8
_MOST_ENTRIES = 4096


def descendants(pid: int) -> list[int]:
    """Every process below `pid`. In a jail orphans fall to the template, so none is missed."""
    found: list[int] = []
    waiting = [pid]
    while waiting and len(found) < _MOST:
        parent = waiting.pop()
        try:
            tasks = os.listdir(f"/proc/{parent}/task")
            children = [int(word) for task in tasks for word in _read(f"/proc/{parent}/task/{task}/children").split()]
        except (FileNotFoundError, ProcessLookupError):
            continue
        found += children
        waiting += children
    return found


def _read(path: str) -> str:
    try:
        return Path(path).read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def resident_mb(pid: int) -> float:
    """Memory in use by one process; 0 when it is gone."""
    words = _read(f"/proc/{pid}/statm").split()
    return int(words[1]) * _PAGE / _MIB if words else 0.0


def tree_mb(template_pid: int) -> float:
    """Memory that the processes of the running test hold beyond what they share with the template."""
    shared_mb = resident_mb(template_pid)
    own = [resident_mb(pid) for pid in descendants(template_pid)]
    if len(own) <= 1:
        return sum(own)
    return sum(max(0.0, mb - shared_mb) for mb in own) + shared_mb


def starved_s(template_pid: int) -> float:
    """How long the running test has waited for a CPU that others had: not its own time.

    0 for a test of several processes or many threads, which could starve themselves to gain time.
    """
    processes = descendants(template_pid)
    if len(processes) != 1:
        return 0.0
    threads = _listed(f"/proc/{processes[0]}/task")
    if len(threads) > _MOST_THREADS:
        return 0.0
    waits_ns = [
        int(words[1]) for tid in threads if (words := _read(f"/proc/{processes[0]}/task/{tid}/schedstat").split())
    ]
    return max(waits_ns, default=0) / 1e9


def _listed(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except (FileNotFoundError, ProcessLookupError):
        return []


def folder_mb(folder: str) -> float:
    """Disk space below a folder; infinite when it is too deep, too wide or too closed to be measured."""
    blocks, seen, waiting = 0, 0, [folder]
    while waiting:
        try:
            with os.scandir(waiting.pop()) as entries:
                for entry in entries:
                    seen += 1
                    blocks += entry.stat(follow_symlinks=False).st_blocks
                    waiting += [entry.path] if entry.is_dir(follow_symlinks=False) else []
        except FileNotFoundError:
            continue
        except OSError:
            return float("inf")
        if seen > _MOST_ENTRIES:
            return float("inf")
    return blocks * 512 / _MIB


def size_mb(fd: int) -> float:
    """Size of an open file."""
    return os.fstat(fd).st_size / _MIB
