# tries: to be ended by a C level timer with code 1 and a dump
# kind: stdio
# seen: runtime_error
import faulthandler, sys, time
faulthandler.dump_traceback_later(0.1, exit=True, file=sys.stdout)
time.sleep(0.5)
print("@SECRET@")
