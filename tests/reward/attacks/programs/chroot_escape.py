# tries: to leave the root by a second one
# kind: stdio
# seen: runtime_error
import os
os.mkdir("a")
os.chroot("a")
for _ in range(99):
    os.chdir("..")
os.chroot(".")
print(open("@SECRET_FILE@").read())
