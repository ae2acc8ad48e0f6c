# tries: to take all file descriptors of the host
# kind: stdio
# seen: runtime_error
files = []
while True:
    files.append(open("/dev/null"))
