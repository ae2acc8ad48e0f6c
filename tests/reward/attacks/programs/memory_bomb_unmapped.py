# tries: to hold shared memory by its last page, where no limit on address space or resident memory sees it
# kind: stdio
# seen: wrong
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
libc.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
libc.memset.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t]
size, held = 64 << 20, 0
while held < 2 << 30:
    place = libc.mmap(None, size, 3, 0x21, -1, 0)
    if place in (None, (1 << 64) - 1):
        break
    libc.memset(place, 1, size)
    libc.munmap(place, size - 4096)
    held += size
print("@SECRET@" if not held else held)
