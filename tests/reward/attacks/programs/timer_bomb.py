# tries: to use up the kernel memory of timers and queued signals
# kind: stdio
# seen: wrong, runtime_error, time_limit, memory_limit
import ctypes, os, signal
libc = ctypes.CDLL(None, use_errno=True)
signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))
timer = ctypes.c_void_p()
made = sum(libc.timer_create(1, None, ctypes.byref(timer)) == 0 for _ in range(200_000))
for _ in range(200_000):
    try:
        os.kill(os.getpid(), 40)
    except OSError:
        break
