# tries: to send data out over UDP
# kind: stdio
# seen: runtime_error
import socket
socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"stolen", ("127.0.0.1", @PORT@))
print("@SECRET@")
