# does: uses the builtin pow, which math also has
# kind: increment
print(pow(int(input()) + 1, 1, 1000))
