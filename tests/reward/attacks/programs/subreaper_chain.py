# tries: to hide among many generations
# kind: stdio
# seen: wrong, runtime_error, time_limit
import os, time
for _ in range(12):
    if os.fork():
        os._exit(0)
    os.setsid()
time.sleep(60)
