# tries: to pin pages in pipes after their memory is given back
# kind: stdio
# seen: wrong
import ctypes, mmap, os
libc = ctypes.CDLL(None, use_errno=True)
class Piece(ctypes.Structure):
    _fields_ = [("base", ctypes.c_void_p), ("length", ctypes.c_size_t)]
pinned = 0
for _ in range(20):
    _, write_end = os.pipe()
    area = mmap.mmap(-1, 4 << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    buffer = (ctypes.c_char * (4 << 20)).from_buffer(area)
    pinned += max(0, libc.vmsplice(write_end, ctypes.byref(Piece(ctypes.addressof(buffer), 65536)), 1, 0))
print(pinned or "@SECRET@")
