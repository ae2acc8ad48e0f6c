# tries: to use any socket it may have inherited
# kind: stdio
# seen: wrong, runtime_error
import socket
for fd in range(0, 256):
    try:
        socket.socket(fileno=fd).send(b'{"stop": "x"}')
    except OSError:
        pass
