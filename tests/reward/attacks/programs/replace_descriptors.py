# tries: to swap stdout for something else
# kind: stdio
# seen: wrong, runtime_error
import os
os.dup2(os.open("/dev/zero", os.O_RDWR), 1)
os.dup2(1, 0)
os.dup2(1, 3)
print("x")
