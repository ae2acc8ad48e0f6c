# tries: to hide memory in memory files
# kind: stdio
# seen: runtime_error, memory_limit
import os
files = []
while True:
    files.append(os.memfd_create("x"))
    os.write(files[-1], b"x" * (32 << 20))
