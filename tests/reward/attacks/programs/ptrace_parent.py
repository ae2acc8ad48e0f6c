# tries: to attach a debugger to its parent
# kind: stdio
# seen: runtime_error
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
if libc.ptrace(16, os.getppid(), 0, 0) == -1:
    raise PermissionError(ctypes.get_errno())
