# does: prints from an exit handler, as some fast output templates do
# kind: increment
import atexit, io, sys
stdout = io.StringIO()
atexit.register(lambda: sys.__stdout__.write(stdout.getvalue()))
stdout.write(str(int(input()) + 1))
