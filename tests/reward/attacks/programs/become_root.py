# tries: to get root back
# kind: stdio
# seen: wrong, runtime_error
import os
os.setresuid(0, 0, 0)
print("@SECRET@")
