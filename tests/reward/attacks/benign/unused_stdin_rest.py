# does: leaves the rest of its input unread
# kind: increment
import sys
print(int(sys.stdin.readline()) + 1)
