# tries: to pass by leaving with exit code 0, without clean-up
# kind: stdio
# seen: wrong
import os
os._exit(0)
