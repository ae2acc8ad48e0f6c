# does: uses a thread pool
# kind: increment
from concurrent.futures import ThreadPoolExecutor
with ThreadPoolExecutor(4) as pool:
    print(sum(pool.map(int, [input(), "1"])))
