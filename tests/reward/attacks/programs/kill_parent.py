# tries: to kill the process that supervises it
# kind: stdio
# seen: wrong, runtime_error
import os, signal
for number in (signal.SIGKILL, signal.SIGTERM, signal.SIGSTOP, signal.SIGSEGV, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1):
    try:
        os.kill(os.getppid(), number)
    except OSError:
        pass
