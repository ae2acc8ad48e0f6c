# tries: to fill kernel memory with pipes
# kind: stdio
# seen: runtime_error
import os
ends = []
while True:
    ends.append(os.pipe())
    os.set_blocking(ends[-1][1], False)
    os.write(ends[-1][1], b"x" * 65536)
