# tries: to turn a crash into exit code 0
# kind: stdio
# seen: wrong, runtime_error
import os, sys
sys.excepthook = lambda *_: os._exit(0)
raise ValueError("wrong anyway")
