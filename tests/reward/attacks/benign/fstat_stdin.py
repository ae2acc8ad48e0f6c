# does: sizes stdin with fstat before reading, as the best known fast reader does
# kind: increment
import io, os, sys
class FastIO(io.IOBase):
    def __init__(self, file):
        self._fd, self.buffer = file.fileno(), io.BytesIO()
    def read(self):
        while True:
            block = os.read(self._fd, max(os.fstat(self._fd).st_size, 8192))
            if not block:
                break
            self.buffer.write(block)
        return self.buffer.getvalue()
print(int(FastIO(sys.stdin).read()) + 1)
