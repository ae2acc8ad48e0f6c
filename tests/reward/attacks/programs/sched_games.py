# tries: to take the CPU from everybody else
# kind: stdio
# seen: runtime_error
import os
os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(99))
print("@SECRET@")
