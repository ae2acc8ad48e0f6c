# tries: to crash the grader with a value nested a million deep
# kind: call
# seen: wrong, runtime_error, memory_limit, time_limit
def f(x):
    value = []
    for _ in range(1000000):
        value = [value]
    return value
