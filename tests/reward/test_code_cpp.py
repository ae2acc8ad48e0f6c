# ruff: noqa: E501 - programs under test, kept on one line each
"""C++ programs: compiled in a jail, run in the same jail as Python's; hostile sources and programs."""

import shutil
from collections.abc import Iterator

import pytest

from or1_reward.code import Program, judge_program, verify_code
from or1_reward.code.languages import CPP
from or1_reward.ground_truth import StdioTruth, parse_ground_truth
from or1_reward.sandbox import Sandbox, SandboxConfig
from or1_reward.types import Limits, Status, Verdict

pytestmark = pytest.mark.skipif(shutil.which("g++") is None, reason="no g++ on this machine")

ADD = StdioTruth(("1 2\n", "5 -7\n"), ("3\n", "-2\n"))
ADDS = '#include <cstdio>\nint main(){long a,b;if(scanf("%ld %ld",&a,&b)==2)printf("%ld\\n",a+b);}'
SECRET = StdioTruth(("1\n",), ("the secret\n",))
LIMITS = Limits(time_s=1.0, memory_mb=256, output_mb=8, processes=16, open_files=64)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(SandboxConfig(workers=1)) as made:
        yield made


def judge(source: str, sandbox: Sandbox, truth: StdioTruth = ADD) -> Verdict:
    return judge_program(Program(source, CPP), truth, LIMITS, sandbox=sandbox)


def test_right_and_wrong_programs(sandbox: Sandbox) -> None:
    assert judge(ADDS, sandbox).status is Status.CORRECT
    wrong = judge(ADDS.replace("a+b", "a-b"), sandbox)
    assert (wrong.status, len(wrong.tests)) == (Status.WRONG, 1)
    assert "got: -1" in wrong.detail


def test_the_standard_library_and_exceptions(sandbox: Sandbox) -> None:
    source = (
        "#include <iostream>\n#include <vector>\n#include <stdexcept>\nint main(){std::vector<int> v{1};"
        "try{v.at(5);}catch(std::out_of_range&){std::cout<<2+1<<std::endl;}}"
    )
    assert judge(source, sandbox, StdioTruth(("",), ("3",))).status is Status.CORRECT


def test_a_program_that_does_not_compile(sandbox: Sandbox) -> None:
    verdict = judge("int main({", sandbox)
    assert (verdict.status, verdict.reward) == (Status.SYNTAX_ERROR, 0.0)
    assert "program.cpp:1" in verdict.detail


def test_the_language_comes_from_the_fence_or_the_row() -> None:
    fenced = f"Here:\n```cpp\n{ADDS}\n```\n"
    assert verify_code(fenced, ADD).status is Status.CORRECT
    row = {"inputs": ["1 2\n"], "outputs": ["3\n"], "language": "cpp"}
    assert verify_code(fenced, parse_ground_truth(row)).status is Status.CORRECT
    assert verify_code("```python\nprint(3)\n```", parse_ground_truth(row)).status is Status.NO_ANSWER
    assert verify_code(fenced, parse_ground_truth(row | {"language": "python"})).status is Status.NO_ANSWER


def test_without_a_compiler_the_failure_is_ours(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    verdict = judge(ADDS, sandbox)
    assert (verdict.status, verdict.reward) == (Status.VERIFIER_ERROR, None)
    assert "cpp programs need g++, which is not installed" in verdict.detail


PRINT = "#include <cstdio>\n#include <unistd.h>\n#include <cstdlib>\n#include <fcntl.h>\n#include <cerrno>\n#include <csignal>\n#include <sys/socket.h>\n#include <sys/mman.h>\n#include <sys/syscall.h>\n#include <sys/prctl.h>\n#include <sys/resource.h>\n#include <sys/ptrace.h>\n#include <sys/uio.h>\n#include <sys/mount.h>\n#include <sys/un.h>\n#include <sched.h>\n#include <alloca.h>\n"


REFUSED = {
    "large socket buffers", "sync", "traces its parent", "reads another's memory", "becomes root", "makes namespaces",
    "mounts", "io_uring", "bpf", "writes outside", "links outside", "reads proc", "abstract socket", "rewrites its tests",
    "raises its limits",
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "body", "seen"),
    [
        ("endless", "for(;;);", {"time_limit"}),
        ("sleeps", "sleep(60);", {"time_limit"}),
        ("ignores signals", "for(int i=1;i<65;i++)signal(i,SIG_IGN);for(;;)pause();", {"time_limit"}),
        ("fork bomb", "for(;;)fork();", {"time_limit", "runtime_error"}),
        ("forks away", "for(int i=0;i<8;i++)if(!fork()){setsid();for(;;);}", {"wrong", "time_limit"}),
        ("memory", "for(;;){char*p=(char*)malloc(1<<20);if(!p)abort();for(int i=0;i<1<<20;i+=4096)p[i]=1;}", {"memory_limit", "runtime_error"}),
        ("shared memory", "if(mmap(0,1<<20,3,MAP_SHARED|MAP_ANONYMOUS,-1,0)==MAP_FAILED)printf(\"refused\");", {"wrong"}),
        ("output", "for(;;)puts(\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\");", {"runtime_error", "time_limit"}),
        ("null pointer", "volatile int*p=0;*p=1;", {"runtime_error"}),
        ("exit code", "return 3;", {"runtime_error"}),
        ("kills itself", "kill(getpid(),SIGKILL);return 1;", {"runtime_error"}),
        ("kills everything", "kill(-1,SIGTERM);return 1;", {"runtime_error"}),
        ("cpu limit", "for(;;);", {"time_limit"}),
        ("executes", "char*a[]={0};execve(\"/usr/bin/true\",a,a);printf(\"%d\",errno);", {"wrong"}),
        ("executes by descriptor", "char*a[]={0};int f=open(\"/usr/bin/true\",0);for(long n=0;n<1000;n++)syscall(SYS_execveat,f,\"\",a,a,0x1000,n);printf(\"%d\",errno);", {"wrong"}),
        ("its own descriptors", "char b[99];for(int i=3;i<1024;i++)if(read(i,b,99)>0||fcntl(i,F_GETFD)>=0)printf(\"open %d\",i);", {"wrong"}),
        ("reads a file", "char b[99]={0};int f=open(\"/etc/passwd\",0);if(f>=0){read(f,b,98);puts(b);}", {"wrong"}),
        ("reads the environment", "extern char**environ;for(char**e=environ;*e;e++)puts(*e);", {"wrong"}),
        ("opens a socket", "if(socket(AF_INET,SOCK_STREAM,0)<0)printf(\"%d\",errno);", {"wrong"}),
        ("large socket buffers", "int s[2],n=1<<30;socketpair(AF_UNIX,SOCK_STREAM,0,s);printf(\"%d\",setsockopt(s[0],SOL_SOCKET,SO_SNDBUF,&n,4));", {"wrong"}),
        ("a name of its own", "prctl(PR_SET_NAME,\"\\xff\\xfe\");usleep(200000);", {"wrong"}),
        ("sync", "printf(\"%ld\",syscall(SYS_sync));", {"wrong"}),
        ("raises its limits", "struct rlimit r={1ul<<40,1ul<<40};printf(\"%d\",setrlimit(RLIMIT_AS,&r));", {"wrong"}),
        ("traces its parent", "printf(\"%ld\",ptrace(PTRACE_ATTACH,getppid(),0,0));", {"wrong"}),
        ("reads another's memory", "char b[9];struct iovec l={b,8},o={(void*)4096,8};printf(\"%ld\",(long)syscall(SYS_process_vm_readv,getppid(),&l,1,&o,1,0));", {"wrong"}),
        ("becomes root", "printf(\"%d\",setuid(0));", {"wrong"}),
        ("makes namespaces", "printf(\"%d\",unshare(CLONE_NEWUSER));", {"wrong"}),
        ("mounts", "printf(\"%d\",mount(\"none\",\"/\",\"tmpfs\",0,0));", {"wrong"}),
        ("io_uring", "printf(\"%ld\",syscall(425,4,0));", {"wrong"}),
        ("bpf", "printf(\"%ld\",syscall(SYS_bpf,0,0,0));", {"wrong"}),
        ("writes outside", "printf(\"%d\",open(\"/etc/or1-was-here\",O_CREAT|O_WRONLY,0600));", {"wrong"}),
        ("links outside", "symlink(\"/etc/passwd\",\"link\");printf(\"%d\",open(\"link\",0));", {"wrong"}),
        ("reads proc", "printf(\"%d\",open(\"/proc/self/maps\",0)<0?-1:1);", {"wrong"}),
        ("abstract socket", "struct sockaddr_un a={AF_UNIX,\"\"};a.sun_path[1]='x';int s=socket(AF_UNIX,SOCK_STREAM,0);printf(\"%d\",connect(s,(sockaddr*)&a,4));", {"wrong"}),
        ("descriptors", "int n=0;while(open(\".\",0)>=0)n++;printf(\"%d\",n<64);", {"wrong"}),
        ("threads", "for(int i=0;i<10000;i++){char*k=(char*)mmap(0,1<<16,3,MAP_PRIVATE|MAP_ANONYMOUS,-1,0);if(k==MAP_FAILED||clone([](void*)->int{for(;;)pause();},k+65536,CLONE_VM|CLONE_FS|CLONE_FILES|CLONE_SIGHAND|CLONE_THREAD,0)<0)break;}for(;;)pause();", {"time_limit", "runtime_error", "memory_limit"}),
        ("daemon", "if(!fork()){setsid();if(!fork())for(;;)pause();_exit(0);}printf(\"left\");", {"wrong"}),
        ("stack", "alloca(1<<30);volatile char b[1<<26];b[0]=1;printf(\"%d\",b[0]);", {"wrong", "runtime_error"}),
        ("disk", "int f=open(\"big\",O_CREAT|O_WRONLY,0600);char b[65536]={0};while(write(f,b,65536)>0);printf(\"full\");", {"wrong", "runtime_error"}),
        ("rewrites its tests", "lseek(0,0,SEEK_SET);printf(\"%ld\",(long)write(0,\"2\",1));", {"wrong"}),
        ("closes its output", "close(1);close(2);close(0);for(int i=3;i<99;i++)close(i);", {"wrong"}),
        ("stops everything", "kill(-1,SIGSTOP);printf(\"on\");", {"wrong", "time_limit", "runtime_error"}),
        ("forges the result file", "dup2(1,3);write(3,\"{}\",2);", {"wrong"}),
    ],
)  # fmt: skip
def test_hostile_programs(name: str, body: str, seen: set[str], sandbox: Sandbox) -> None:
    verdict = judge(f"{PRINT}int main(){{{body}}}", sandbox, SECRET)
    assert verdict.status in seen, (name, verdict.detail)
    got = verdict.tests[0].got
    assert "root:" not in got
    assert "open" not in got
    if name in {"executes", "executes by descriptor", "opens a socket"}:
        assert got.strip() == "1", got  # EPERM
    if name in REFUSED:
        assert got.strip() == "-1", got
    if name == "shared memory":
        assert got.strip() == "refused"


@pytest.mark.parametrize(
    "source",
    [
        '#include "/etc/passwd"\nint main(){}',
        '#include "/dev/stdin"\nint main(){}',
        '#include "program.cpp"\nint main(){}',
        'asm(".incbin \\"/etc/shadow\\"");\nint main(){}',
        "template<int n>struct S{S<n+1>s;};\nint main(){S<0>s;}",
        "char x[1<<30]={1};\nint main(){}",
    ],
)
def test_hostile_sources(source: str, sandbox: Sandbox) -> None:
    verdict = judge(source, sandbox, SECRET)
    assert verdict.status in {Status.SYNTAX_ERROR, Status.RUNTIME_ERROR}, verdict.detail
    assert "root:" not in verdict.detail


def test_a_sandbox_is_well_after_all_that(sandbox: Sandbox) -> None:
    assert judge(ADDS, sandbox).status is Status.CORRECT
    assert judge_program("print(sum(map(int, input().split())))", ADD, LIMITS, sandbox=sandbox).status == "correct"
