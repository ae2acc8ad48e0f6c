# ruff: noqa: E501 - programs under test, kept on one line each
"""The layers one by one: what is in force, what is refused, what is left when a host gives less."""

import json
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from or1_reward.cli import main
from or1_reward.code import judge_program
from or1_reward.ground_truth import StdioTruth
from or1_reward.sandbox import Sandbox, SandboxConfig, SandboxError, configure
from or1_reward.sandbox.keeper.cgroup import Cgroup, NoCgroupError, delegated_folder
from or1_reward.sandbox.keeper.removal import remove_if_there
from or1_reward.sandbox.keeper.run import Run
from or1_reward.sandbox.keeper.run import Test as Order
from or1_reward.sandbox.layers import PURPOSE, WITHOUT, demand, is_in_force
from or1_reward.types import Limits, Status

NAMESPACES = ("user_namespace", "pid_namespace", "mount_namespace", "net_namespace", "ipc_namespace", "uts_namespace")
LESS = [("mount_namespace",), NAMESPACES, ("landlock",), ("net_namespace", "ipc_namespace")]
PROBES = {
    "open('/etc/passwd')": "a file of the host",
    "__import__('os').listdir('/etc')": "a folder of the host",
    "open('/proc/1/environ')": "the process table",
    "__import__('socket').socket()": "a socket",
    "__import__('os').execv('/bin/sh', ['sh'])": "a program",
}


def test_every_layer_is_explained() -> None:
    assert PURPOSE.keys() == WITHOUT.keys()


@pytest.mark.parametrize("disable", [(), *LESS], ids=lambda names: "-".join(names)[:30] or "all")
def test_less_layers_still_hold(disable: tuple[str, ...]) -> None:
    with Sandbox(SandboxConfig(workers=1, disable=disable)) as sandbox:
        assert not any(is_in_force(sandbox.layers, name) for name in disable)
        assert judge_program("print(input())", StdioTruth(("1",), ("1",)), sandbox=sandbox).status is Status.CORRECT
        for probe, what in PROBES.items():
            verdict = judge_program(f"{probe}\nprint(1)", StdioTruth(("1",), ("1",)), sandbox=sandbox)
            assert verdict.status is Status.RUNTIME_ERROR, what
        looping = judge_program("while True: pass", StdioTruth(("1",), ("1",)), Limits(time_s=0.3), sandbox=sandbox)
        assert looping.status is Status.TIME_LIMIT


def test_without_a_pid_namespace_programs_may_not_fork() -> None:
    fork = "import os\nif os.fork() == 0: os._exit(0)\nprint(1)"
    threads = "import threading\nt = threading.Thread(target=print, args=(1,))\nt.start()\nt.join()"
    with Sandbox(SandboxConfig(workers=1, disable=NAMESPACES)) as sandbox:
        assert judge_program(fork, StdioTruth(("",), ("1",)), sandbox=sandbox).status is Status.RUNTIME_ERROR
        assert judge_program(threads, StdioTruth(("",), ("1",)), sandbox=sandbox).status is Status.CORRECT


def test_required_layers_are_required() -> None:
    with pytest.raises(SandboxError, match="net_namespace: switched off by configuration"):
        _ = Sandbox(SandboxConfig(workers=1, require=("net_namespace",), disable=("net_namespace",))).layers
    with pytest.raises(SandboxError, match="mount_namespace or landlock"):
        _ = Sandbox(SandboxConfig(workers=1, disable=("landlock", *NAMESPACES))).layers
    with pytest.raises(SandboxError, match="seccomp"):
        _ = Sandbox(SandboxConfig(workers=1, disable=("seccomp",))).layers
    with pytest.raises(ValueError, match="unknown sandbox layers"):
        SandboxConfig(require=("selinux",))


def test_a_refused_configuration_leaves_the_sandbox_as_it_was() -> None:
    with pytest.raises(SandboxError, match="landlock"):
        configure(SandboxConfig(workers=1, require=("landlock",), disable=("landlock",)))
    assert judge_program("print(1)", StdioTruth(("",), ("1",))).status is Status.CORRECT


def test_a_host_without_the_required_layers_is_a_verifier_error() -> None:
    with Sandbox(SandboxConfig(workers=1, require=("landlock",), disable=("landlock",))) as sandbox:
        verdict = judge_program("print(1)", StdioTruth(("",), ("1",)), sandbox=sandbox)
    assert (verdict.status, verdict.reward) == (Status.VERIFIER_ERROR, None)
    assert "landlock" in verdict.detail


def test_not_needed_satisfies_a_demand() -> None:
    layers = dict.fromkeys(PURPOSE, "in force") | {"uid_drop": "not needed: started by an ordinary user"}
    demand(layers, ("uid_drop",))
    with pytest.raises(SandboxError):
        demand(layers | {"uid_drop": "missing: no"}, ("uid_drop",))


def test_doctor_prints_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor"]) == 0
    table = capsys.readouterr().out
    assert all(name in table for name in PURPOSE)
    assert "ms (median" in table
    assert main(["doctor", "--require", "no_such_layer"]) == 2


def test_the_jail_is_empty() -> None:
    with Sandbox(SandboxConfig(workers=1)) as sandbox:
        if not is_in_force(sandbox.layers, "mount_namespace"):
            pytest.skip("this host gives no private root")
        script = "import os\nprint(sorted(os.environ), os.getuid() != 0, os.getcwd(), os.path.exists('/proc'), os.path.exists('/home'), os.path.exists('/usr/bin'))"
        verdict = judge_program(script, StdioTruth(("",), ("",)), sandbox=sandbox)
    assert (
        "['HOME', 'LANG', 'OPENBLAS_NUM_THREADS', 'PATH', 'TMPDIR', 'TZ'] True /tmp False False False" in verdict.detail
    )


# cgroup v2, on a folder that looks like one: no such subtree is delegated on the machines that run these tests.


def fake_tree(folder: Path, controllers: str) -> Path:
    (folder / "cgroup.controllers").write_text(controllers)
    (folder / "cgroup.subtree_control").write_text("")
    return folder


def test_a_delegated_subtree_is_found(tmp_path: Path) -> None:
    own = tmp_path / "user.slice" / "grader"
    own.mkdir(parents=True)
    fake_tree(tmp_path, "cpu memory pids")
    fake_tree(own, "memory pids")
    membership = tmp_path / "membership"
    membership.write_text("9:cpu:/\n0::/user.slice/grader\n")
    assert delegated_folder("", root=str(tmp_path), membership=str(membership)) == own
    assert (own / "cgroup.subtree_control").read_text() == "+memory +pids"
    assert delegated_folder(str(own)) == own


def test_no_delegated_subtree_says_why(tmp_path: Path) -> None:
    with pytest.raises(NoCgroupError, match="lacks the controllers pids"):
        delegated_folder(str(fake_tree(tmp_path, "cpu memory")))
    with pytest.raises(NoCgroupError, match="not delegated"):
        delegated_folder(str(tmp_path / "nowhere"))
    (tmp_path / "membership").write_text("4:memory:/\n")
    with pytest.raises(NoCgroupError, match="not mounted"):
        delegated_folder("", root=str(tmp_path), membership=str(tmp_path / "membership"))


def test_a_cgroup_gets_its_limits(tmp_path: Path) -> None:
    group = Cgroup(tmp_path / "jail")
    group.limit(100, 20)
    group.add(1234)
    assert (tmp_path / "jail" / "memory.max").read_text() == str(164 << 20)
    assert (tmp_path / "jail" / "pids.max").read_text() == "20"
    assert (tmp_path / "jail" / "cgroup.procs").read_text() == "1234"
    (tmp_path / "jail" / "memory.events").write_text("low 0\nmax 3\noom 1\noom_kill 2\n")
    assert group.kills() == 2


@pytest.mark.parametrize("killed", ["program", "judge"])
def test_the_kernel_tells_a_judge_out_of_memory_from_a_program(tmp_path: Path, killed: str) -> None:
    """Two jails with a cgroup each, on folders that look like them; the kernel's counter of one of them rises."""
    groups = {name: Cgroup(tmp_path / name) for name in ("program", "judge")}
    for group in groups.values():
        (group.folder / "memory.events").write_text("oom_kill 1\n")
    order = {"id": 1, "mode": "check", "wall_s": 1.0, "limits": {"output_mb": 1, "memory_mb": 64, "processes": 4}}
    main, judge = (
        SimpleNamespace(name=name, cgroup=group, template_pid=os.getpid(), send=lambda *_: None)
        for name, group in groups.items()
    )
    run = Run(Order(order, []), -1, -1, main, judge, 0.03)  # type: ignore[arg-type]
    try:
        for jail in (main, judge):
            run._launch(jail, "session", -1, -1)  # type: ignore[arg-type]
            run.answers[jail.name] = {"stopped": "", "exit_code": -9}
        (groups[killed].folder / "memory.events").write_text("oom_kill 2\n")
        header, _ = run.result()
    finally:
        run.close()
    stopped = {"program": header["report"]["stopped"], "judge": header["judge"]["stopped"]}
    assert stopped == {"program": "", "judge": ""} | {killed: "memory"}


def test_a_real_cgroup_is_killed_and_removed() -> None:
    """On a hierarchy of version 2, with or without controllers: processes go in, one write kills them all."""
    lines = [line.split() for line in Path("/proc/self/mounts").read_text().splitlines()]
    root = next((Path(line[1]) for line in lines if line[2] == "cgroup2" and os.access(line[1], os.W_OK)), None)
    if root is None:
        pytest.skip("no cgroup hierarchy of version 2 that this user may write")
    try:
        group = Cgroup(root / f"or1-test-{os.getpid()}")
    except OSError as error:
        pytest.skip(f"no cgroup can be made in {root}: {error}")
    script = "import os, time\nos.fork(), os.fork()\ntime.sleep(99)"
    sleeper = subprocess.Popen([sys.executable, "-S", "-c", f"input()\n{script}"], stdin=subprocess.PIPE)
    try:
        group.add(sleeper.pid)
        sleeper.communicate(b"\n", timeout=0.5)
    except subprocess.TimeoutExpired:
        assert len((group.folder / "cgroup.procs").read_text().split()) == 4
    finally:
        group.remove()
    assert sleeper.wait() == -9
    assert not group.folder.exists()


def test_hostile_folders_are_removed(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.mkdir()
    (victim / "file").write_text("kept")
    script = "import os, sys\nos.chdir(sys.argv[1])\nos.symlink(sys.argv[2], 'link')\nfor n in range(3000):\n    os.mkdir('d')\n    os.chdir('d')\n    os.symlink('/', 's')\nos.chmod('..', 0)\n"
    root = tmp_path / "root"
    root.mkdir()
    subprocess.run([sys.executable, "-c", script, str(root), str(victim)], check=True)
    (root / "closed" / "inner").mkdir(parents=True)
    (root / "closed").chmod(0)
    remove_if_there(str(root))
    assert not root.exists()
    assert (victim / "file").read_text() == "kept"


def test_a_host_that_refuses_user_namespaces() -> None:
    """For real, not by configuration: a namespace whose quota of further ones is 0, and no capability kept in it."""
    tools = [shutil.which(name) for name in ("unshare", "setpriv", "sh")]
    if None in tools:
        pytest.skip("needs unshare and setpriv of util-linux")
    drop = "setpriv --bounding-set=-all --inh-caps=-all --ambient-caps=-all --no-new-privs"
    script = f'echo 0 > /proc/sys/user/max_user_namespaces && exec {drop} "$@"'
    command = ["unshare", "-Ur", "sh", "-c", script, "sh", sys.executable, "-c", REFUSED]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    if "unshare failed" in done.stderr or "Permission denied" in done.stderr:
        pytest.skip("this host gives no user namespace to begin with")
    layers, first, fork, refusal = json.loads(done.stdout)
    assert layers["user_namespace"].startswith("missing: unshare")
    assert not layers["mount_namespace"].startswith("in force")
    assert layers["seccomp"] == "in force" and layers["landlock"].startswith("in force")
    assert (first, fork) == ("correct", "runtime_error")
    assert "pid_namespace" in refusal


def test_below_the_refusals_of_a_container() -> None:
    """Docker's default profile restated: the grader falls back, says so, and attacks still fail."""
    if platform.machine() != "x86_64":
        pytest.skip("the profile is restated for x86_64")
    attacks = Path(__file__).resolve().parent / "attacks"
    command = [sys.executable, str(attacks / "container.py"), sys.executable]
    done = subprocess.run([*command, "-c", REFUSED], capture_output=True, text=True, timeout=100)
    layers, first, fork, refusal = json.loads(done.stdout)
    assert layers["user_namespace"] == "missing: unshare: Operation not permitted"
    assert not any(layers[name].startswith("in force") for name in NAMESPACES)
    assert layers["seccomp"] == "in force" and layers["landlock"].startswith("in force")
    assert (first, fork) == ("correct", "runtime_error")
    assert "pid_namespace" in refusal
    assert "runs with fewer layers" in done.stderr
    done = subprocess.run(
        [*command, str(attacks / "suite.py"), *IN_A_CONTAINER], capture_output=True, text=True, timeout=200
    )
    _, *lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line for line in lines if line["wrong"]] == []
    assert {line["attack"] for line in lines} == set(IN_A_CONTAINER), done.stderr


IN_A_CONTAINER = (
    "write_outside", "chmod_home", "truncate_outside", "read_secret_file", "read_passwd", "read_proc", "tcp_connect", "unix_abstract",
    "kill_everything", "kill_parent", "owner_signals", "ptrace_parent", "symlink_out", "exec_shell", "state_in_files", "new_namespaces",
    "read_installed_packages", "die_by_child", "walk_host", "poison_stdlib",
)  # fmt: skip


REFUSED = """
import json
from or1_reward.code import judge_program
from or1_reward.ground_truth import StdioTruth
from or1_reward.sandbox import Sandbox, SandboxConfig, SandboxError, configure
truth = StdioTruth(("",), ("1",))
with Sandbox(SandboxConfig(workers=1)) as sandbox:
    found = [sandbox.layers]
    for program in ("print(1)", "import os\\nif os.fork() == 0: os._exit(0)\\nprint(1)"):
        found.append(judge_program(program, truth, sandbox=sandbox).status)
try:
    Sandbox(SandboxConfig(workers=1, require=("pid_namespace",))).layers
except SandboxError as error:
    found.append(str(error))
print(json.dumps(found))
"""
