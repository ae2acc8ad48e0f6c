# tries: to keep the judge waiting for ever
# kind: judge
# seen: time_limit, wrong
class Slow:
    def __eq__(self, other):
        while True:
            pass
    __iter__ = __len__ = __bool__ = __eq__
def f(x):
    return Slow()
