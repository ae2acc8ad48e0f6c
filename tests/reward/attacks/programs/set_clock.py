# tries: to set the clock back
# kind: stdio
# seen: runtime_error
import time
time.clock_settime(time.CLOCK_REALTIME, 0)
print("@SECRET@")
