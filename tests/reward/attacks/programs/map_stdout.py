# tries: to write output past the limit through a mapping
# kind: stdio
# seen: runtime_error, wrong, memory_limit
import mmap, os
os.ftruncate(1, 200 << 20)
page = mmap.mmap(1, 200 << 20)
for at in range(0, len(page), 4096):
    page[at] = 65
