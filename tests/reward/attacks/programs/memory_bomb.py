# tries: to take all memory of the host
# kind: stdio
# seen: memory_limit
blocks = []
while True:
    blocks.append(bytearray(64 << 20))
