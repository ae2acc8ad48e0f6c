# does: makes a file of descriptor 1
# kind: increment
import sys
out = open(1, "w", closefd=False)
print(int(input()) + 1, file=out)
out.flush()
