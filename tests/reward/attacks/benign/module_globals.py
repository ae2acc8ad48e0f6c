# does: assigns module globals from nested functions
# kind: increment
total = 0
def main():
    def add():
        global total
        total += int(input()) + 1
    add()
main()
print(total)
