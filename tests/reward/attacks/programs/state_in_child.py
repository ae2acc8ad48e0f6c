# tries: to let a child live on and answer the next test
# kind: state
# seen: wrong, runtime_error
import os, time
if os.fork() == 0:
    os.setsid()
    time.sleep(0.5)
    open("/tmp/left", "w").close()
    os._exit(0)
print(1 if os.path.exists("/tmp/left") else 0)
