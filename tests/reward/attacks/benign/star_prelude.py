# does: uses names of the common prelude without importing them
# kind: increment
counts = Counter([int(input())])
heap: List[int] = []
heappush(heap, sqrt(4))
print(max(counts) + int(heappop(heap)) - 1)
