# tries: to drown the judge in data
# kind: judge
# seen: wrong, runtime_error, memory_limit, time_limit
import os
def f(x):
    os.write(4, (1 << 30).to_bytes(4, "big"))
    while True:
        os.write(4, b"x" * 1000000)
