# does: reads stdin by iteration
# kind: increment
import sys
for line in sys.stdin:
    print(int(line) + 1)
