# tries: to claim more disk than there is by a sparse file
# kind: stdio
# seen: wrong, runtime_error
with open("sparse", "wb") as file:
    file.truncate(1 << 50)
print(len(open("sparse", "rb").read(1)))
