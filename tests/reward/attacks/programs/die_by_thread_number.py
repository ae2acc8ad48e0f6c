# tries: to look killed from outside, which is nobody's wrong answer: SIGKILL under the number of one of its threads, by the bare system call
# kind: stdio
# seen: runtime_error, wrong
import ctypes, os, threading
def end():
    for number in (62, 200):
        ctypes.CDLL(None).syscall(number, threading.get_native_id(), 9)
    os.kill(threading.get_native_id(), 9)
thread = threading.Thread(target=end)
thread.start()
thread.join()
