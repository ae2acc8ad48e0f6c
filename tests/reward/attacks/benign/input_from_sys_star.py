# does: uses stdin and stdout as bare names
# kind: increment
stdout.write(str(int(stdin.readline()) + 1))
