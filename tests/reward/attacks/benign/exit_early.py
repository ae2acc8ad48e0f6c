# does: ends with sys.exit and exit
# kind: increment
import sys
print(int(input()) + 1)
sys.exit()
