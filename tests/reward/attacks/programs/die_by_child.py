# tries: to look killed from outside, which is nobody's wrong answer: SIGKILL from a child to everybody
# kind: stdio
# seen: wrong, runtime_error
import ctypes, os
if os.fork() == 0:
    for target in (-1, 0, os.getppid(), -os.getpgrp()):
        ctypes.CDLL(None).syscall(62, ctypes.c_long(target), 9)
    os._exit(0)
os.wait()
print("alive")
