# tries: to change the check's own data through its arguments
# kind: judge
# seen: wrong, runtime_error
def f(x):
    if isinstance(x, list):
        x.clear()
    return []
