# tries: to keep state in System V shared memory
# kind: state
# seen: wrong, runtime_error
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
old = libc.shmget(4711, 4096, 0)
libc.shmget(4711, 4096, 0o1600)
print(0 if old == -1 else 1)
