# tries: to make the clean-up follow links out of the folder
# kind: stdio
# seen: wrong, runtime_error
import os
os.symlink("/usr", "usr")
os.symlink("..", "up")
for name in ("/", "/etc", "/tmp", "/root"):
    os.symlink(name, "x" + name.replace("/", "_"))
os.link("usr", "hard", follow_symlinks=False)
