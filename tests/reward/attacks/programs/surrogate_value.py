# tries: to break the channel by text that no encoding has
# kind: call
# seen: wrong, runtime_error
def f(x):
    return "\ud800" + "@SECRET@" + "\udfff"
