# tries: to freeze the supervisor
# kind: stdio
# seen: wrong, runtime_error
import os, signal
for pid in (os.getppid(), 1):
    try:
        os.kill(pid, signal.SIGSTOP)
    except OSError:
        pass
