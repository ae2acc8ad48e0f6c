"""Turn a fresh interpreter into the jailed template: every layer that the host gives, each reported by name.

Everything that can be inherited is put in force here, once, so that a test pays for a fork and nothing more.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from . import landlock, linux, reserved, rootfs, seccomp

IN_FORCE = "in force"
Layers = dict[str, str]  # layer name -> IN_FORCE, perhaps with a note behind it, or why it is missing


@dataclass(frozen=True)
class Plan:
    """What the keeper asks for.

    `uid` is the account to become when started as root; `folder` is for this jail, with the subfolders `box` (scratch
    space where there is no private root) and `packages` (links to the packages {file name: path}). `hidden` are folders
    below the read-only ones that no program may read: what else is installed beside the interpreter.
    """

    keeper_pid: int
    read_only: list[str]
    disk_mb: int
    folder: str
    packages: dict[str, str]
    hidden: list[str] = field(default_factory=list)
    uid: int | None = None
    disable: dict[str, str] = field(default_factory=dict)  # layer -> why it shall not be tried
    executable: list[str] = field(default_factory=list)  # of the compiler; without any no program may be executed

    @property
    def everything_read(self) -> list[str]:
        """All host paths that programs may read where there is no private root."""
        return [*self.read_only, *self.packages.values(), f"{self.folder}/packages"]


def _attempt(layers: Layers, plan: Plan, name: str, step: Callable[[], object]) -> bool:
    """Try one layer; note that it is in force, or why not."""
    if name in plan.disable:
        layers[name] = f"missing: {plan.disable[name]}"
        return False
    try:
        note = step()
    except OSError as error:
        layers[name] = f"missing: {error.strerror or error}"
        return False
    layers[name] = f"{IN_FORCE} ({note})" if note else IN_FORCE
    return True


def _become(uid: int, plan: Plan, *, root_is_private: bool) -> str:
    """Give up root for `uid`, unless the interpreter could then not be read any more."""
    if not root_is_private:
        blocked = [
            str(part) for path in plan.everything_read for part in Path(path).parents if not part.stat().st_mode & 0o001
        ]
        if blocked:
            raise PermissionError(13, f"{blocked[0]} is closed to other users, and the interpreter lies below it")
        os.chown(f"{plan.folder}/box", uid, uid)
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)
    linux.prctl(linux.PR_SET_DUMPABLE, 1)  # until the uid map is written
    return f"uid {uid}"


def _user_namespace(proc: int) -> None:
    """`proc` is a descriptor of /proc, which a private root does not have."""
    uid, gid = os.geteuid(), os.getegid()
    linux.unshare(linux.CLONE_NEWUSER)
    for name, text in (("setgroups", "deny"), ("uid_map", f"1000 {uid} 1"), ("gid_map", f"1000 {gid} 1")):
        fd = os.open(f"{os.getpid()}/{name}", os.O_WRONLY, dir_fd=proc)
        os.write(fd, text.encode())
        os.close(fd)


def _namespaces(layers: Layers, plan: Plan) -> None:
    """Private pid, network, ipc, host name and mounts; the last one with the empty root."""
    _attempt(layers, plan, "pid_namespace", lambda: linux.unshare(linux.CLONE_NEWPID))
    _attempt(layers, plan, "net_namespace", lambda: linux.unshare(linux.CLONE_NEWNET))
    _attempt(layers, plan, "ipc_namespace", lambda: linux.unshare(linux.CLONE_NEWIPC))
    _attempt(layers, plan, "uts_namespace", lambda: linux.unshare(linux.CLONE_NEWUTS))
    if _attempt(layers, plan, "mount_namespace", lambda: linux.unshare(linux.CLONE_NEWNS)):
        try:
            rootfs.enter(plan.read_only, plan.packages, plan.hidden, plan.disk_mb)
        except OSError as error:
            raise RootRefused(str(error.strerror or error)) from error


class RootRefused(Exception):
    """The private root failed half-way: the process is of no use, the keeper starts another without that layer."""


def _as_root(layers: Layers, plan: Plan) -> None:
    """Namespaces first, as root: an interpreter under a closed /root can still be bound; then another account."""
    uid = plan.uid
    assert uid is not None
    proc = os.open("/proc", os.O_PATH | os.O_DIRECTORY)
    _namespaces(layers, plan)
    private = layers["mount_namespace"].startswith(IN_FORCE)
    _attempt(layers, plan, "uid_drop", lambda: _become(uid, plan, root_is_private=private))
    _attempt(layers, plan, "user_namespace", lambda: _user_namespace(proc))
    os.close(proc)


def _as_user(layers: Layers, plan: Plan) -> None:
    """An ordinary user, or a root without CAP_SYS_ADMIN: everything hangs on the user namespace."""
    uid = plan.uid
    proc = os.open("/proc", os.O_PATH | os.O_DIRECTORY)
    layers["uid_drop"] = "not needed: started by an ordinary user"
    if uid is not None:
        _attempt(layers, plan, "uid_drop", lambda: _become(uid, plan, root_is_private=False))
    in_force = _attempt(layers, plan, "user_namespace", lambda: _user_namespace(proc))
    os.close(proc)
    if in_force:
        _namespaces(layers, plan)
        return
    for name in ("pid_namespace", "net_namespace", "ipc_namespace", "uts_namespace", "mount_namespace"):
        layers[name] = "missing: needs a user namespace"


def _can_make_namespaces() -> bool:
    """CAP_SYS_ADMIN, in a container that lets it be used; tried in a child because there is no way back.

    A child that was killed from outside says nothing about the host: this process then dies too and is started again,
    since a jail with fewer layers would call right programs wrong.
    """
    pid = os.fork()
    if pid == 0:
        try:
            linux.unshare(linux.CLONE_NEWNS)
        except OSError:
            os._exit(1)
        os._exit(0)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if code == -signal.SIGKILL:
        os.kill(os.getpid(), signal.SIGKILL)
    return code == 0


def isolate(plan: Plan, control: socket.socket) -> tuple[Layers, reserved.ReservedCalls]:
    """Enter the jail. Returns in the process that is to be the template: pid 1 where there is a pid namespace.

    With the layers come the calls that only the template may make.
    """
    layers: Layers = {}
    if plan.uid is not None and "mount_namespace" not in plan.disable and _can_make_namespaces():
        _as_root(layers, plan)
    else:
        _as_user(layers, plan)
    parent = plan.keeper_pid
    if layers["pid_namespace"].startswith(IN_FORCE):
        pid = os.fork()
        if pid:
            _stand_by(pid, control, plan.keeper_pid)
        parent = 0
    else:
        control.send(b'{"template_pid": %d}' % os.getpid())
    own_calls = reserved.ReservedCalls()
    _restrict(layers, plan, own_calls)
    linux.prctl(linux.PR_SET_DUMPABLE, 0)
    linux.die_with_parent(parent)
    return layers, own_calls


def programs_may_fork(plan: Plan, layers: Layers) -> bool:
    """Only inside of a pid namespace, and only where RLIMIT_NPROC binds, which it does not for the real root."""
    bounded = plan.uid is None or layers["uid_drop"].startswith(IN_FORCE)
    return layers["pid_namespace"].startswith(IN_FORCE) and bounded


def _stand_by(pid: int, control: socket.socket, keeper_pid: int) -> None:
    """Outside of the pid namespace: name the template's pid, then only wait; dying here kills it."""
    linux.die_with_parent(keeper_pid)
    control.send(b'{"template_pid": %d}' % pid)
    control.close()
    ended = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    os._exit(ended if ended >= 0 else 128 - ended)


def _restrict(layers: Layers, plan: Plan, own_calls: reserved.ReservedCalls) -> None:
    """No capabilities, no new privileges, Landlock, seccomp: what one process can do to itself."""
    private = layers["mount_namespace"].startswith(IN_FORCE)
    writable = rootfs.writable_folder(plan.read_only) if private else f"{plan.folder}/box"
    packages = rootfs.PACKAGES if private else f"{plan.folder}/packages"
    readable = [*plan.read_only, packages] if private else plan.everything_read
    hidden = [] if private else plan.hidden
    os.chdir(writable)
    linux.drop_capabilities()
    _attempt(layers, plan, "no_new_privs", lambda: linux.prctl(linux.PR_SET_NO_NEW_PRIVS, 1))
    devices = [f"/dev/{name}" for name in rootfs.DEVICES]
    _attempt(
        layers,
        plan,
        "landlock",
        lambda: f"ABI {landlock.restrict(readable, [writable, *devices], hidden, plan.executable, sockets=private)}",
    )
    alone = private and layers["net_namespace"].startswith(IN_FORCE)
    program = seccomp.program(os.uname().machine, may_execute=bool(plan.executable), local_sockets=alone)
    _attempt(layers, plan, "seccomp", lambda: _filter(own_calls, program, shared_files=not private))
    layers["rlimits"] = IN_FORCE  # set in every test's process; the kernel always has them
    os.environ.clear()
    os.environ.update({"HOME": writable, "TMPDIR": writable, "PATH": "/nowhere", "LANG": "C.UTF-8", "TZ": "UTC"})
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    time.tzset()
    sys.path += [packages, writable]  # last, so that only a module of the program's own is looked for there
    sys.path_importer_cache.clear()


def _filter(own_calls: reserved.ReservedCalls, program: bytes, *, shared_files: bool) -> None:
    if shared_files:
        seccomp.install(seccomp.shared_files_program(os.uname().machine))
    seccomp.install(program, own_calls.address)
