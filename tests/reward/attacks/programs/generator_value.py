# tries: to return something that only looks like a value
# kind: call
# seen: wrong, runtime_error
def f(x):
    while True:
        yield "@SECRET_HALF@"
