# tries: to hold the grader up without using the CPU
# kind: stdio
# seen: time_limit
import time
time.sleep(100000)
