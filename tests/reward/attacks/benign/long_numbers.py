# does: prints numbers of more digits than Python allows by default
# kind: increment
import sys
sys.set_int_max_str_digits(0)
assert len(str(7 ** 6000)) == 5071
print(int(input()) + 1)
