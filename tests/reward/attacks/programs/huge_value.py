# tries: to fill the grader's memory with a value
# kind: call
# seen: wrong, runtime_error, memory_limit, time_limit
def f(x):
    return "x" * (1 << 29)
