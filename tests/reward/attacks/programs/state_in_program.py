# tries: to change the program text that the next test will run
# kind: state
# seen: wrong, runtime_error
import os
for fd in range(3, 64):
    try:
        os.pwrite(fd, b"print(1)\n" * 50, 0)
    except OSError:
        pass
print(0)
