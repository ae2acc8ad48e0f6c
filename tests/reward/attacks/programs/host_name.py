# tries: to read and change the host's name
# kind: stdio
# seen: wrong, runtime_error
import socket
socket.sethostname("owned")
print("@SECRET@")
