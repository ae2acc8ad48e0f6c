# tries: to bring its own check function
# kind: harness
# seen: wrong, runtime_error
def check(candidate):
    pass
def f(x):
    return "wrong"
