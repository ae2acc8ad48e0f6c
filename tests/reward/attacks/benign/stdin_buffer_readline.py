# does: rebinds input to stdin.buffer.readline
# kind: increment
import sys
input = sys.stdin.buffer.readline
print(int(input()) + 1)
