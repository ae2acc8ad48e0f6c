# tries: to read a file of the host that everybody may read
# kind: stdio
# seen: runtime_error
print(open("@SECRET_FILE@").read())
