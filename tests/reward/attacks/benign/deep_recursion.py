# does: recurses 20,000 deep through a C function
# kind: increment
from functools import lru_cache
@lru_cache(maxsize=None)
def depth(n):
    return 0 if n == 0 else 1 + depth(n - 1)
print(int(input()) + depth(20000) - 19999)
