# tries: to keep its process alive inside the template's code
# kind: call
# seen: wrong, runtime_error, time_limit
import os, sys
os._exit = sys.exit = lambda *a: None
def f(x):
    return "wrong"
