# tries: to hang the grader with a value that contains itself
# kind: call
# seen: wrong, runtime_error, memory_limit, time_limit
def f(x):
    value = []
    value.append(value)
    return value
