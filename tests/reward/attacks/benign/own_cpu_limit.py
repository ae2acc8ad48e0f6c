# does: limits its own CPU time and asks for the limit, which is none (-1) until the template has set its own
# kind: increment
import resource
resource.setrlimit(resource.RLIMIT_CPU, (5, 5))
print(int(input()) + (resource.getrlimit(resource.RLIMIT_CPU)[0] != 0))
