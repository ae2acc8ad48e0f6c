# tries: to act while the result is being written
# kind: call
# seen: wrong, runtime_error
import gc, os
def at_collection(phase, info):
    for fd in range(3, 32):
        try:
            os.write(fd, b'{"value": {"v": "@SECRET@", "o": []}}')
        except OSError:
            pass
gc.callbacks.append(at_collection)
gc.set_threshold(1)
def f(x):
    return [[] for _ in range(99)]
