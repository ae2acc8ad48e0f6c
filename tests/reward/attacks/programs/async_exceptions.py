# tries: to raise in every thread that the runner has
# kind: call
# seen: wrong, runtime_error
import ctypes, threading
def f(x):
    for number in [thread.ident for thread in threading.enumerate()]:
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(number), ctypes.py_object(SystemExit))
    return "x"
