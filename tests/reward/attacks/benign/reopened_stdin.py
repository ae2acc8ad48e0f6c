# does: rebinds sys.stdin to an in-memory stream
# kind: increment
import io, os, sys
sys.stdin = io.StringIO(os.read(0, os.fstat(0).st_size).decode())
print(int(sys.stdin.readline()) + 1)
