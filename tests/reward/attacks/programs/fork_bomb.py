# tries: to fill the process table
# kind: stdio
# seen: time_limit, runtime_error, wrong, memory_limit
import os
while True:
    try:
        os.fork()
    except OSError:
        pass
