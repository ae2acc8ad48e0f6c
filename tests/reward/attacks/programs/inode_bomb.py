# tries: to use up all inodes
# kind: stdio
# seen: runtime_error, time_limit
import os
number = 0
while True:
    open(f"i{number}", "w").close()
    number += 1
