# tries: to fill the grader's memory through stderr
# kind: stdio
# seen: runtime_error
import sys
while True:
    sys.stderr.write("x" * 1000000)
