# tries: to pass with values that compare oddly
# kind: call
# seen: wrong
def f(x):
    return [float("nan"), float("inf"), -0.0, 1e400]
