# tries: to read a secret from the environment
# kind: stdio
# seen: wrong, runtime_error
import os
print(os.environ.get("OR1_CANARY", os.environ))
