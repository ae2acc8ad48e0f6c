# tries: to pass by leaving with exit code 0
# kind: stdio
# seen: wrong
import sys
sys.exit(0)
