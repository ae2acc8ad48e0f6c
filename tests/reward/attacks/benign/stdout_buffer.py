# does: writes to stdout.buffer
# kind: increment
import sys
sys.stdout.buffer.write(str(int(input()) + 1).encode())
