# tries: to look killed from outside, which is nobody's wrong answer: SIGKILL as the signal of a child's end
# kind: stdio
# seen: wrong
import ctypes, os, time
if (pid := ctypes.CDLL(None).syscall(56, 9, 0, 0, 0, 0)) == 0:
    os._exit(0)
if pid > 0:
    time.sleep(5)
print("alive")
