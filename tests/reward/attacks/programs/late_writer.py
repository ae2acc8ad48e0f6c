# tries: to write to stdout after the verdict has been asked for
# kind: stdio
# seen: wrong, runtime_error
import os, time
if os.fork() == 0:
    os.setsid()
    time.sleep(0.2)
    os.write(1, b"@SECRET@")
    os._exit(0)
