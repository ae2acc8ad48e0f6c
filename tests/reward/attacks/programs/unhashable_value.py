# tries: to break the grader with values that cannot be keys
# kind: call
# seen: wrong, runtime_error
import os
def f(x):
    os.write(3, b'{"value": {"o": [], "v": {"t": "dict", "v": [[[1], 2]]}}}')
    os._exit(0)
