# tries: to move the host's clock
# kind: stdio
# seen: runtime_error
import time
time.clock_settime(time.CLOCK_REALTIME, 0)
print("@SECRET@")
