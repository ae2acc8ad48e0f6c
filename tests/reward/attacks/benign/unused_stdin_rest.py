# does: prints before reading and leaves input unread
# kind: increment
import sys
print(int(sys.stdin.read(1)) + 1)
