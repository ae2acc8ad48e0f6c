# tries: to fill the judge by changing the argument it was given
# kind: judge
# seen: wrong, runtime_error, memory_limit, time_limit
def f(x):
    if isinstance(x, list):
        x.extend(range(10 ** 6))
    return x
