# does: reads lines that end in CR LF
# kind: crlf
a = input()
b = input()
print("same" if a == b == "x" else "different")
