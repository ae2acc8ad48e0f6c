# tries: to look killed from outside, which is nobody's wrong answer: SIGKILL as the signal of a timer
# kind: stdio
# seen: wrong
import ctypes, time
libc = ctypes.CDLL(None, use_errno=True)
event = (ctypes.c_char * 64)()
ctypes.c_int.from_buffer(event, 8).value = 9
timer = ctypes.c_void_p()
if libc.syscall(222, 1, event, ctypes.byref(timer)) == 0:
    libc.syscall(223, timer, 0, (ctypes.c_long * 4)(0, 0, 0, 1_000_000), None)
    time.sleep(5)
print("alive")
