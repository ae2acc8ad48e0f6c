# does: reads until EOFError
# kind: increment
total = 0
try:
    while True:
        total += int(input()) + 1
except EOFError:
    print(total)
