# tries: to confuse the grader by closing everything
# kind: stdio
# seen: wrong, runtime_error
import os
os.closerange(0, 1024)
