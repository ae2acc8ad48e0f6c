# does: opens /dev/stdin
# kind: increment
print(int(open("/dev/stdin").read()) + 1)
