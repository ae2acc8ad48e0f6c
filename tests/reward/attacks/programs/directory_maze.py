# tries: to leave a folder tree that is hard to remove
# kind: stdio
# seen: wrong, runtime_error, time_limit
import os
for level in range(2000):
    os.mkdir("d")
    os.chmod("d", 0o700)
    os.chdir("d")
    os.close(os.open("f", os.O_CREAT, 0))
os.chmod("..", 0)
