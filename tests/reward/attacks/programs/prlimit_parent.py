# tries: to take the limits off its parent, or to strangle it
# kind: stdio
# seen: runtime_error
import os, resource
resource.prlimit(os.getppid(), resource.RLIMIT_NPROC, (0, 0))
print("@SECRET@")
