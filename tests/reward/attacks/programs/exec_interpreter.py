# tries: to start a fresh interpreter without the jail's hooks
# kind: stdio
# seen: runtime_error
import os, sys
os.execv(sys.executable or "/usr/bin/python3", ["python", "-c", "print(open('@SECRET_FILE@').read())"])
