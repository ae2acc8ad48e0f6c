# tries: to kill every process it can reach
# kind: stdio
# seen: wrong, runtime_error
import os, signal
for pid in (-1, 0, 1, @GRADER_PID@, *range(2, 2000)):
    if pid == os.getpid() or pid == 0:
        continue
    try:
        os.kill(pid, signal.SIGKILL)
    except OSError:
        pass
