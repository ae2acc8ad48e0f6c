# tries: to join the process group and session of the template
# kind: stdio
# seen: wrong, runtime_error
import os
for group in (1, os.getppid()):
    try:
        os.setpgid(0, group)
        os.killpg(group, 9)
    except OSError:
        pass
