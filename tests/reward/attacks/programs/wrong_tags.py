# tries: to break the grader with tags that do not exist
# kind: call
# seen: wrong, runtime_error
import os
def f(x):
    os.write(3, b'{"value": {"o": [["os.system", {"a": 1}]], "v": {"t": "object", "v": 0}}}')
    os._exit(0)
