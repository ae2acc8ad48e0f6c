# tries: to turn its own input file into something for the next test
# kind: stdio
# seen: wrong, runtime_error
import os
try:
    os.ftruncate(0, 0)
except OSError:
    pass
os.write(0, b"@SECRET@")
