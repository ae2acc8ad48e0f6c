# tries: to make the comparison of decimals expensive
# kind: call
# seen: wrong
def f(x):
    return ["1e999999999999999999", "-1e-999999999999999999", "9" * 200_000, "NaN", "sNaN", "Infinity"]
