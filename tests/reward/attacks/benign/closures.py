# does: defines classes and closures that refer to each other
# kind: increment
def outer():
    value = int(input())
    class Node:
        def get(self):
            return inner()
    def inner():
        return value + 1
    return Node()
print(outer().get())
