# tries: to signal through a pidfd
# kind: stdio
# seen: runtime_error
import os, signal
signal.pidfd_send_signal(os.pidfd_open(1), signal.SIGKILL)
