# does: ends with quit
# kind: increment
print(int(input()) + 1)
raise SystemExit
