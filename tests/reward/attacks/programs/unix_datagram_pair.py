# tries: to use an unconnected socket pair to reach an abstract socket
# kind: stdio
# seen: runtime_error
import socket
one, _ = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
one.sendto(b"stolen", "\0or1-canary-@PORT@")
print("@SECRET@")
