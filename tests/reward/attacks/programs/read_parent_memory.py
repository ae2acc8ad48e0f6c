# tries: to read the memory of its parent with process_vm_readv
# kind: stdio
# seen: runtime_error
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
class Part(ctypes.Structure):
    _fields_ = [("base", ctypes.c_void_p), ("size", ctypes.c_size_t)]
buffer = ctypes.create_string_buffer(4096)
mine, theirs = Part(ctypes.addressof(buffer), 4096), Part(id(os), 4096)
if libc.process_vm_readv(os.getppid(), ctypes.byref(mine), 1, ctypes.byref(theirs), 1, 0) == -1:
    raise PermissionError(ctypes.get_errno())
print("@SECRET@")
