"""One jail as its keeper sees it: the template's process, its control socket, what isolates it."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import signal
import socket
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .cgroup import Cgroup, NoCgroupError, delegated_folder
from .removal import remove_if_there

START_LIMIT_S = 60.0  # a busy machine with cold disks
_SOON_S = 0.5
KILLED_EXIT = 128 + signal.SIGKILL  # of the process that stands by the template
_STACK_BYTES = 1 << 30
_ANSWER_BYTES = 65_536
_HIGH_UID, _FEW_UIDS, _FIRST_UID = 1_879_048_192, 60_000, 10_000
_BOOT = (
    "import sys; sys.path.insert(0, sys.argv.pop(1)); from inside import template; "
    "del sys.path[0]; template.main(sys.argv[1:])"
)


class StartError(Exception):
    """The jail could not be started; says what the template said. `was_killed`: by somebody, not through this host."""

    was_killed = False


class JailLostError(Exception):
    """The template process is gone."""


def interpreter_paths() -> list[str]:
    """The files that an interpreter needs to import its standard library: all that a jail can read."""
    stdlib, platform = sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib")
    libdir = Path(str(sysconfig.get_config_var("LIBDIR") or "/nowhere"))
    shared = [str(path) for path in libdir.glob("libpython3*.so*")]
    system = [
        path for path in ("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/share/zoneinfo") if Path(path).is_dir()
    ]
    wanted = dict.fromkeys(path for path in (*system, stdlib, platform, *shared) if Path(path).exists())
    return [path for path in wanted if not any(path.startswith(other + "/") for other in wanted)]


def toolchain_paths() -> list[str]:
    """What a compiler of the host needs besides the libraries; programs that were compiled can read it too."""
    return [path for path in ("/usr/bin", "/usr/include", "/usr/libexec", "/usr/local/include") if Path(path).is_dir()]


def hidden_paths(readable: Sequence[str]) -> list[str]:
    """Folders of installed packages below the readable ones: a data set's package may hold the expected outputs."""
    places = [f"{depth}{kind}-packages" for depth in ("", "python3*/") for kind in ("site", "dist")]
    return [str(found) for path in readable for place in places for found in Path(path).glob(place) if found.is_dir()]


def slot_uid() -> int | None:
    """An account of nobody else's for this jail, when we are root; None for an ordinary user."""
    if os.geteuid() != 0:
        return None
    number = os.getpid()
    for line in Path("/proc/self/uid_map").read_text().splitlines():
        first, _, count = (int(word) for word in line.split())
        if first <= _HIGH_UID and _HIGH_UID + number < first + count:
            return _HIGH_UID + number
    return _FIRST_UID + number % (_FEW_UIDS - _FIRST_UID)


class Jail:
    """Start it, send it tests, kill it. `name` only words messages; `layers` says what is in force."""

    def __init__(self, name: str, settings: dict[str, Any]) -> None:
        self.name = name
        self.settings = settings
        self.layers: dict[str, str] = {}
        self.template_pid = 0
        self.cgroup: Cgroup | None = None
        self._start(dict(settings["disable"]))

    def _start(self, disable: dict[str, str]) -> None:
        self.folder = tempfile.mkdtemp(prefix=f"{self.name}-", dir=self.settings["folder"])
        os.chmod(self.folder, 0o711)
        self._make_folders()
        tools = toolchain_paths() if self.name == "native" else []
        readable = [*interpreter_paths(), *tools]
        plan = {
            "keeper_pid": os.getpid(),
            "read_only": readable,
            "executable": [path for path in readable if path.startswith(("/usr/", "/lib"))] if tools else [],
            "packages": self.settings["packages"],
            "hidden": hidden_paths(interpreter_paths()),
            "disk_mb": self.settings["disk_mb"],
            "folder": self.folder,
            "uid": slot_uid(),
            "disable": disable,
        }
        self.control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.process = _spawn(plan, theirs)
        theirs.close()
        refused = self._await_layers()
        if refused is not None:
            self.close()
            if "mount_namespace" in disable:
                raise StartError(f"{self.name} jail: {refused}")
            self._start(disable | {"mount_namespace": refused})

    def _make_folders(self) -> None:
        """Scratch space and links to the packages, used only where there can be no private root."""
        self.box = f"{self.folder}/box"
        Path(self.box).mkdir(mode=0o700)
        links = Path(self.folder, "packages")
        links.mkdir(mode=0o755)
        for name, path in self.settings["packages"].items():
            (links / name).symlink_to(path)

    def _await_layers(self) -> str | None:
        """Read the template's first words; returns why a private root was refused, if it was."""
        deadline_s = time.monotonic() + START_LIMIT_S
        while not self.layers:
            self.control.settimeout(max(0.01, deadline_s - time.monotonic()))
            try:
                data = self.control.recv(_ANSWER_BYTES)
            except TimeoutError as error:
                raise StartError(
                    f"{self.name} jail: no answer from the template within {START_LIMIT_S:.0f} s"
                ) from error
            if not data:
                self.close()
                code = self.process.returncode
                ended = StartError(f"{self.name} jail: the template ended with code {code} while starting")
                ended.was_killed = code == -signal.SIGKILL
                raise ended
            said = json.loads(data)
            if "refused" in said:
                return str(said["refused"])
            self.template_pid = said.get("template_pid", self.template_pid)
            self.layers = said.get("layers", {})
        self.layers["cgroup"] = self._enter_cgroup()
        self.control.settimeout(None)
        return None

    def _enter_cgroup(self) -> str:
        """Put the template into a cgroup of its own where one can be had; what to report of that layer."""
        if "cgroup" in self.settings["disable"]:
            return f"missing: {self.settings['disable']['cgroup']}"
        try:
            parent = delegated_folder(self.settings["cgroup"])
        except NoCgroupError as error:
            return f"missing: {error}"
        self.cgroup = Cgroup(parent / f"{Path(self.settings['folder']).name}-{Path(self.folder).name}")
        self.cgroup.add(self.template_pid)
        return f"in force ({self.cgroup.folder})"

    def send(self, order: dict[str, Any], fds: Sequence[int] = ()) -> None:
        """Give an order; JailLostError when nobody is there."""
        try:
            socket.send_fds(self.control, [json.dumps(order).encode()], list(fds))
        except OSError as error:
            raise JailLostError(str(error)) from error

    def receive(self) -> dict[str, Any]:
        """The answer that is waiting; JailLostError when the template has died."""
        try:
            data = self.control.recv(_ANSWER_BYTES)
        except OSError as error:
            raise JailLostError(str(error)) from error
        if not data:
            raise JailLostError("the template process has died")
        answer: dict[str, Any] = json.loads(data)
        return answer

    def was_killed(self) -> bool:
        """Whether the template has got SIGKILL from outside."""
        return self._ended_within(_SOON_S) and self.process.returncode in (-signal.SIGKILL, KILLED_EXIT)

    def close(self) -> None:
        """Kill the template, and with it everything in the jail; reap it and remove its folder."""
        self.control.close()
        if self.template_pid:
            _kill(self.template_pid)
        if self.process.poll() is None and not self._ended_within(1.0):
            self.process.kill()
        self.process.wait()
        if self.cgroup is not None:
            self.cgroup.remove()
            self.cgroup = None
        remove_if_there(self.folder)

    def _ended_within(self, patience_s: float) -> bool:
        try:
            self.process.wait(patience_s)
        except subprocess.TimeoutExpired:
            return False
        return True


def _spawn(plan: dict[str, Any], control: socket.socket) -> subprocess.Popen[bytes]:
    """A clean interpreter with room for a deep stack; its only descriptor of ours is the control socket."""
    hard = resource.getrlimit(resource.RLIMIT_STACK)[1]
    soft = _STACK_BYTES if hard == resource.RLIM_INFINITY else min(_STACK_BYTES, hard)
    resource.setrlimit(resource.RLIMIT_STACK, (soft, hard))
    here = str(Path(__file__).resolve().parent.parent)
    command = [sys.executable, "-s", "-S", "-P", "-B", "-X", "utf8", "-c", _BOOT, here, json.dumps(plan)]
    return subprocess.Popen(
        command, stdin=control.fileno(), stdout=subprocess.DEVNULL, env=clean_environment(), cwd="/"
    )


def clean_environment() -> dict[str, str]:
    """What an interpreter of ours starts with: nothing of the caller's but where to find shared libraries.

    Symbols are bound at the start: what is bound later is bound again in every test.
    """
    kept = {name: os.environ[name] for name in ("LD_LIBRARY_PATH",) if name in os.environ}
    return {"PYTHONHASHSEED": "0", "LANG": "C.UTF-8", "LD_BIND_NOW": "1", **kept}


def _kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
