# tries: an exception whose text is as large as memory
# kind: stdio
# seen: runtime_error, memory_limit
class Huge(Exception):
    def __str__(self):
        return "@SECRET@" * (4 << 20)
raise Huge
