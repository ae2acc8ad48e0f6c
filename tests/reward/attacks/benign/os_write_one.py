# does: writes to descriptor 1
# kind: increment
import os
os.write(1, str(int(input()) + 1).encode())
