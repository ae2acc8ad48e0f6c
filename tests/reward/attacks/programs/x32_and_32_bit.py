# tries: to slip past the filter with the other system call tables
# kind: stdio
# seen: runtime_error
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
if libc.syscall(0x40000000 + 41, 2, 1, 0) == -1:
    raise PermissionError(ctypes.get_errno())
print("@SECRET@")
