# does: opens descriptor 0
# kind: increment
print(int(open(0).read()) + 1)
