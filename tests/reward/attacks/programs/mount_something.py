# tries: to change what is mounted
# kind: stdio
# seen: runtime_error
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
if libc.mount(b"tmpfs", b"/usr", b"tmpfs", 0, None) == -1:
    raise PermissionError(ctypes.get_errno())
print("@SECRET@")
