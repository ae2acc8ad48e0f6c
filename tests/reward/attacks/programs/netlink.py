# tries: to configure the network
# kind: stdio
# seen: runtime_error
import socket
socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
print("@SECRET@")
