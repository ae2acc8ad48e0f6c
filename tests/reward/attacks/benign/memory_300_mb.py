# does: uses 300 MB
# kind: increment
block = [1] * (300 << 17)
print(int(input()) + block[-1])
