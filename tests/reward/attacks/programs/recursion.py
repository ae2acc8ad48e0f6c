# tries: to crash the interpreter by recursion
# kind: stdio
# seen: runtime_error, memory_limit
import sys
sys.setrecursionlimit(10 ** 9)
class A:
    def __getattr__(self, name):
        return getattr(self, name + "x")
def f(n):
    return f(n + 1) + 1
try:
    f(0)
finally:
    A().x
