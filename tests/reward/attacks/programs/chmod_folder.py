# tries: to lock later tests out of the writable folder
# kind: stdio
# seen: wrong, runtime_error
import os
os.chmod(".", 0)
