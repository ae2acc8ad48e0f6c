"""What a running test holds, read from outside: memory of its whole process tree, bytes in its folder and files."""

from __future__ import annotations

import os
from pathlib import Path

_PAGE = os.sysconf("SC_PAGE_SIZE")
_MIB = 1 << 20
_MOST = 1024
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_CPU_FIELDS = slice(11, 15)  # own user and system time, and those of buried children
_MOST_ENTRIES = 4096
_SOCKET_MB, _FEW_SOCKETS = 212_992 / _MIB, 100  # net.core.wmem_default


def descendants(pid: int) -> list[int]:
    """Every process below `pid`. In a jail orphans fall to the template, so none is missed."""
    found: list[int] = []
    waiting = [pid]
    while waiting and len(found) < _MOST:
        parent = waiting.pop()
        try:
            tasks = os.listdir(f"/proc/{parent}/task")
            children = [int(word) for task in tasks for word in read(f"/proc/{parent}/task/{task}/children").split()]
        except (FileNotFoundError, ProcessLookupError):
            continue
        found += children
        waiting += children
    return found


def read(path: str) -> str:
    """The text of a file of /proc, byte by byte (a process may choose its name); empty when its process is gone."""
    try:
        return Path(path).read_bytes().decode("latin-1")
    except (FileNotFoundError, ProcessLookupError):
        return ""


def resident_mb(pid: int) -> float:
    """Memory in use by one process; 0 when it is gone."""
    words = read(f"/proc/{pid}/statm").split()
    return int(words[1]) * _PAGE / _MIB if words else 0.0


def tree_mb(template_pid: int, processes: list[int]) -> float:
    """Memory that the processes of the running test hold beyond what they share with the template."""
    shared_mb = resident_mb(template_pid)
    own = [resident_mb(pid) for pid in processes]
    if len(own) <= 1:
        return sum(own)
    return sum(max(0.0, mb - shared_mb) for mb in own) + shared_mb


def sockets_mb(template_pid: int) -> float:
    """What the sockets of a jail's own network namespace can hold at most: kernel memory that is no process's."""
    words = read(f"/proc/{template_pid}/net/sockstat").split()  # "sockets: used 12 ..."
    sockets = int(words[2]) if len(words) > 2 else 0
    return sockets * _SOCKET_MB if sockets > _FEW_SOCKETS else 0.0


def cpu_s(processes: list[int]) -> float:
    """CPU time that the processes of a test have used, with all that they have buried themselves."""
    return sum(sum(map(int, stat_fields(f"/proc/{pid}")[_CPU_FIELDS])) for pid in processes) / _TICKS_PER_S


def stat_fields(task: str) -> list[str]:
    """The fields of a stat file behind the command's name, the state first; none when the task is gone."""
    return read(f"{task}/stat").rpartition(")")[2].split()


def listed(folder: str) -> list[str]:
    """The names in a folder of /proc; none when its process is gone."""
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
