# tries: to leave sleeping children behind after a clean exit
# kind: stdio
# seen: time_limit, runtime_error, wrong, memory_limit
import os, time
for _ in range(500):
    try:
        if os.fork() == 0:
            time.sleep(1000)
            os._exit(0)
    except OSError:
        break
