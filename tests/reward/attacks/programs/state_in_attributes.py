# tries: to leave a count in an extended attribute of the scratch folder
# kind: state
# seen: wrong, runtime_error
import os
try:
    seen = int(os.getxattr(".", "user.count"))
except OSError:
    seen = 0
try:
    os.setxattr(".", "user.count", str(seen + 1).encode())
except OSError:
    pass
print(seen)
