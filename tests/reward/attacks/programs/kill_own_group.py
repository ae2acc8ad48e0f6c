# tries: to take the template down with its process group
# kind: stdio
# seen: runtime_error
import os, signal
os.killpg(0, signal.SIGKILL)
