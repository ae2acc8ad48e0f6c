# does: maps standard input into memory, as fast readers do
# kind: increment
import mmap
print(int(mmap.mmap(0, 0, access=mmap.ACCESS_READ).read()) + 1)
