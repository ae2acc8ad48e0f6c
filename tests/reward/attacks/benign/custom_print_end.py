# does: prints trailing blanks and empty lines
# kind: increment
print(int(input()) + 1, end="   \n\n\n")
