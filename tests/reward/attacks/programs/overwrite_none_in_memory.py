# tries: to make comparisons true by writing over the interpreter
# kind: call
# seen: wrong, runtime_error
import ctypes
ctypes.memmove(id(False), id(True), 28)
def f(x):
    return False
