# tries: to hide memory in shared mappings
# kind: stdio
# seen: memory_limit, runtime_error, time_limit
import mmap
maps = []
while True:
    area = mmap.mmap(-1, 128 << 20)
    area.write(b"x" * (128 << 20))
    maps.append(area)
