# tries: to keep the grader comparing millions of lines
# kind: stdio
# seen: wrong, runtime_error
import sys
sys.stdout.write("\n" * (7 << 20) + "x")
