# tries: to look killed from outside, which is nobody's wrong answer: SIGKILL as the signal of a descriptor
# kind: stdio
# seen: runtime_error
import fcntl, os, socket, time
one, other = socket.socketpair()
fcntl.fcntl(one, 10, 9)
fcntl.fcntl(one, fcntl.F_SETOWN, os.getpid())
fcntl.fcntl(one, fcntl.F_SETFL, os.O_ASYNC)
other.send(b"x")
time.sleep(5)
