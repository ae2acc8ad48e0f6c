# tries: to reach the host through a symbolic link
# kind: stdio
# seen: runtime_error
import os
os.symlink("@SECRET_FILE@", "innocent")
os.symlink("/", "root")
print(open("innocent").read())
