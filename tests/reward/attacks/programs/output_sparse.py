# tries: to make stdout look a terabyte long
# kind: stdio
# seen: wrong, runtime_error
import os
os.ftruncate(1, 1 << 40)
