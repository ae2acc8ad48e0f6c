# tries: to read the host's accounts
# kind: stdio
# seen: runtime_error
print(open("/etc/passwd").read() and "@SECRET@")
