# tries: to write results to every descriptor and leave
# kind: call
# seen: wrong, runtime_error
import os
for fd in range(3, 64):
    try:
        os.write(fd, b'{"value": {"v": true, "o": []}}')
    except OSError:
        pass
os._exit(0)
