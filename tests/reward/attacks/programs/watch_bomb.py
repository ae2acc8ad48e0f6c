# tries: to use up the kernel memory of watches and events
# kind: stdio
# seen: wrong, runtime_error
import ctypes, select
libc = ctypes.CDLL(None)
fds = []
for _ in range(100_000):
    fds.append(libc.inotify_init1(0))
    fds.append(libc.eventfd(0, 0))
    fds.append(select.epoll())
