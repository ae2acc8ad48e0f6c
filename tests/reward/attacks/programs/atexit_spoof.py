# tries: to end well from an exit handler
# kind: stdio
# seen: wrong
import atexit, os
atexit.register(os._exit, 0)
raise ValueError("wrong anyway")
