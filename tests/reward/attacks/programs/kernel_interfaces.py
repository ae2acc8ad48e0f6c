# tries: system calls that have broken kernels before
# kind: stdio
# seen: runtime_error
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
opened = [libc.syscall(number, 0, 0, 0, 0, 0) for number in (321, 298, 323, 425, 250, 248, 246, 175, 313, 165, 272, 435)]
if all(result == -1 for result in opened):
    raise PermissionError(ctypes.get_errno())
print("@SECRET@")
