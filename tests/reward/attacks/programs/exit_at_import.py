# tries: to pass the asserts by leaving before them
# kind: harness
# seen: wrong, runtime_error
import sys
sys.exit(0)
