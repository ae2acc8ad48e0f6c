# tries: to look killed from outside, which is nobody's wrong answer: SIGKILL by every other call that sends signals
# kind: stdio
# seen: wrong, runtime_error
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
info = (ctypes.c_char * 128)()
ctypes.c_int.from_buffer(info, 8).value = -1
libc.syscall(234, os.getpid(), os.getpid(), 9)
libc.syscall(129, os.getpid(), 9, info)
libc.syscall(297, os.getpid(), os.getpid(), 9, info)
libc.syscall(424, os.pidfd_open(os.getpid()), 9, None, 0)
libc.syscall(62, ctypes.c_long(os.getpid()), ctypes.c_long(9 | 1 << 40), 0, 0, 0, 0)
print("alive")
