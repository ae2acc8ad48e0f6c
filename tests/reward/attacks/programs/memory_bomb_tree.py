# tries: to take all memory with many processes that each stay small
# kind: stdio
# seen: memory_limit, runtime_error, time_limit, wrong
import os, time
while True:
    try:
        if os.fork() == 0:
            block = bytearray(os.urandom(1 << 20)) * 400
            time.sleep(1000)
    except OSError:
        time.sleep(0.01)
