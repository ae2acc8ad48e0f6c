# tries: to leave a daemon behind
# kind: stdio
# seen: wrong, runtime_error
import os, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        while True:
            time.sleep(1)
    os._exit(0)
