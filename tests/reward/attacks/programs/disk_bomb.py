# tries: to fill the disk with many files
# kind: stdio
# seen: runtime_error, memory_limit
number = 0
while True:
    with open(f"f{number}", "wb") as file:
        file.write(b"x" * (8 << 20))
    number += 1
