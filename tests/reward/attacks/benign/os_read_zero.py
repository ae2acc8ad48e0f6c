# does: reads descriptor 0 with os.read, as PyPy templates do
# kind: increment
import os
print(int(os.read(0, 1 << 20)) + 1)
