# does: writes debug output to stderr
# kind: increment
import sys
print("debug", file=sys.stderr)
print(int(input()) + 1)
