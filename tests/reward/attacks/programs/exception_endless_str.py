# tries: an exception whose text never ends
# kind: stdio
# seen: time_limit
class Endless(Exception):
    def __str__(self):
        while True:
            pass
    __repr__ = __str__
raise Endless
