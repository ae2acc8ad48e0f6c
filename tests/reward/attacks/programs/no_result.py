# tries: to pass by leaving before a result is due
# kind: call
# seen: wrong, runtime_error
import sys
def f(x):
    sys.exit(0)
