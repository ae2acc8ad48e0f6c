# tries: to change what is written to the result
# kind: call
# seen: wrong, runtime_error
import os
original = os.write
os.write = lambda fd, data: original(fd, b'{"value": {"v": "@SECRET_HALF@", "o": []}}') and len(data)
def f(x):
    return "wrong"
