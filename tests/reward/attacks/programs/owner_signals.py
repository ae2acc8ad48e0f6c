# tries: to have the kernel signal the grader when output is written
# kind: stdio
# seen: wrong, runtime_error
import fcntl, os, signal
for target in (1, @GRADER_PID@, -1):
    for fd in (0, 1, 2):
        try:
            fcntl.fcntl(fd, fcntl.F_SETOWN, target)
            fcntl.fcntl(fd, 10, int(signal.SIGKILL))
            fcntl.fcntl(fd, fcntl.F_SETFL, os.O_ASYNC)
        except OSError:
            pass
print("x")
