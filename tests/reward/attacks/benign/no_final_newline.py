# does: writes without a newline, in pieces
# kind: increment
import sys
for character in str(int(input()) + 1):
    sys.stdout.write(character)
    sys.stdout.flush()
