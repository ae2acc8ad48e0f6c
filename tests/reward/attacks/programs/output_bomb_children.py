# tries: to fill stdout from many processes that ignore errors
# kind: stdio
# seen: runtime_error, time_limit, wrong
import os
for _ in range(4):
    os.fork()
while True:
    try:
        os.write(1, b"x" * 1000000)
    except OSError:
        pass
