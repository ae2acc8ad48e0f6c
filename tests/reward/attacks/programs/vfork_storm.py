# tries: to start processes faster than they are counted
# kind: stdio
# seen: wrong, runtime_error, time_limit, memory_limit
import ctypes, os
libc = ctypes.CDLL(None)
for _ in range(5000):
    if libc.syscall(57) == 0:
        if libc.syscall(57) == 0:
            libc.pause()
        os._exit(0)
