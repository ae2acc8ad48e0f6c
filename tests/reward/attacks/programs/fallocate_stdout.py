# tries: to eat memory by the size of its output file
# kind: stdio
# seen: runtime_error, wrong, memory_limit
import os
for fd in (1, 2):
    try:
        os.posix_fallocate(fd, 0, 1 << 33)
    except OSError:
        os.posix_fallocate(fd, 0, 64 << 20)
