# tries: to kill the judge
# kind: judge
# seen: wrong, runtime_error
import os, signal
def f(x):
    for pid in range(1, 3000):
        if pid != os.getpid():
            try:
                os.kill(pid, signal.SIGKILL)
            except OSError:
                pass
    return "wrong"
