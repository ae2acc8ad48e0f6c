# tries: to out-run the clean-up: each child forks a new one and dies
# kind: stdio
# seen: wrong, time_limit, runtime_error
import os
if os.fork() == 0:
    while True:
        try:
            if os.fork():
                os._exit(0)
        except OSError:
            pass
