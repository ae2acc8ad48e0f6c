# tries: to seal its output so that the grader can no longer use it
# kind: stdio
# seen: wrong, runtime_error
import fcntl, os
for fd in (0, 1, 2):
    for seal in (1, 2, 4, 8, 16):
        try:
            fcntl.fcntl(fd, 1033, seal)
        except OSError:
            pass
os.lseek(1, 1 << 40, os.SEEK_SET)
