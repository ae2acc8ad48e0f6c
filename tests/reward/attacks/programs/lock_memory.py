# tries: to lock memory that others need
# kind: stdio
# seen: wrong, runtime_error, memory_limit
import ctypes, mmap
libc = ctypes.CDLL(None)
libc.mlockall(7)
page = mmap.mmap(-1, 128 << 20)
libc.mlock(ctypes.addressof(ctypes.c_char.from_buffer(page)), len(page))
