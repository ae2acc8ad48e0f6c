# tries: to leave a count in the times of the scratch folder
# kind: state
# seen: wrong, runtime_error
import os
stat = os.stat(".")
seen = stat.st_mtime_ns // 1_000_000_007 if stat.st_mtime < 1000 else 0
try:
    os.utime(".", ns=((seen + 1) * 1_000_000_007,) * 2)
except OSError:
    pass
print(seen)
