# does: uses tempfile and a folder of its own
# kind: increment
import os, tempfile
with tempfile.NamedTemporaryFile("w+") as file, tempfile.TemporaryDirectory() as folder:
    file.write(input())
    file.seek(0)
    with open(os.path.join(folder, "x"), "w") as other:
        other.write(file.read())
    with open(os.path.join(folder, "x")) as other:
        print(int(other.read()) + 1)
