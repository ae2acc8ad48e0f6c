# tries: to read environments and memory through /proc
# kind: stdio
# seen: wrong, runtime_error
import os
text = b""
for pid in ("self", "1", str(os.getppid()), "@GRADER_PID@"):
    for name in ("environ", "cmdline", "maps"):
        try:
            text += open(f"/proc/{pid}/{name}", "rb").read()
        except OSError:
            pass
print(text.decode("utf-8", "replace") if text else 1 / 0)
