# does: sets its own resource limits, as templates do
# kind: increment
import resource, sys
resource.setrlimit(resource.RLIMIT_STACK, (resource.getrlimit(resource.RLIMIT_STACK)[0], resource.getrlimit(resource.RLIMIT_STACK)[1]))
sys.setrecursionlimit(10 ** 6)
print(int(input()) + 1)
