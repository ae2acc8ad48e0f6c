# tries: the same through a shared mapping of /dev/zero
# kind: stdio
# seen: runtime_error
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
libc.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
libc.memset.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t]
zero = os.open("/dev/zero", os.O_RDWR)
while True:
    place = libc.mmap(None, 64 << 20, 3, 0x01, zero, 0)
    libc.memset(place, 1, 64 << 20)
    libc.munmap(place, (64 << 20) - 4096)
