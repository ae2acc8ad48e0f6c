# tries: to open other processes' files through /proc
# kind: stdio
# seen: wrong, runtime_error
import os
for pid in ("1", str(os.getppid()), "@GRADER_PID@"):
    for fd in os.listdir(f"/proc/{pid}/fd"):
        print(open(f"/proc/{pid}/fd/{fd}", "rb").read(100))
