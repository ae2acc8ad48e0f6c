# tries: to become root in a namespace of its own
# kind: stdio
# seen: runtime_error
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
if libc.unshare(0x10000000 | 0x00020000) == -1:
    raise PermissionError(ctypes.get_errno())
print("@SECRET@")
