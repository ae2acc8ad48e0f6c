# tries: to write after closing stdout
# kind: stdio
# seen: wrong, runtime_error
import sys
sys.stdout.close()
print("@SECRET@")
