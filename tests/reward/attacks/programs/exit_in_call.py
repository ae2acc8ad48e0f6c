# tries: to pass the asserts by leaving inside of the first call
# kind: harness
# seen: wrong, runtime_error
import os
def f(x):
    os._exit(0)
