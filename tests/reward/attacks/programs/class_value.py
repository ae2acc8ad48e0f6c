# tries: to return a class and a module
# kind: call
# seen: wrong, runtime_error
import os
def f(x):
    return [os, type, f, lambda: 1]
