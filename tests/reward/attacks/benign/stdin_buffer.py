# does: reads stdin.buffer as fast templates do
# kind: increment
import sys
data = sys.stdin.buffer.read().split()
sys.stdout.write("\n".join(str(int(word) + 1) for word in data))
