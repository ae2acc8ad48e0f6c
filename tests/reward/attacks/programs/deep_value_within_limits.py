# tries: to crash the grader with a value nested deeper than its recursion limit
# kind: call
# seen: wrong, runtime_error
def f(x):
    value = []
    for _ in range(20000):
        value = [value]
    return value
