# tries: to keep the grader comparing millions of tokens
# kind: stdio
# seen: wrong, runtime_error
import sys
sys.stdout.write("1 " * (7 << 19))
