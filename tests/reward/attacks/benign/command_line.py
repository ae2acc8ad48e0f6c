# does: reads a file only when one is named on the command line
# kind: increment
import sys
source = open(sys.argv[1]) if len(sys.argv) > 1 else sys.stdin
print(int(source.readline()) + 1)
