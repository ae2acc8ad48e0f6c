# tries: to read expected outputs from descriptors it has inherited
# kind: stdio
# seen: wrong, runtime_error
import os
for fd in range(3, 1024):
    try:
        os.lseek(fd, 0, 0)
    except OSError:
        pass
    try:
        data = os.read(fd, 1 << 20)
        print(data.decode("utf-8", "replace"))
    except OSError:
        pass
