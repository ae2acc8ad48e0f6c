# tries: to use more CPU time than one process may
# kind: stdio
# seen: time_limit, wrong, runtime_error
import os, time
for _ in range(3):
    os.fork()
end = time.time() + 50
while time.time() < end:
    pass
