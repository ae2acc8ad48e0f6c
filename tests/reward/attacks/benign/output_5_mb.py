# does: prints 5 MB
# kind: big_output
print("x" * 5000000)
