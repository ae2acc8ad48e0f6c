# does: limits its own CPU time and asks for the limit, once the template has set the one that counts
# kind: increment
import resource
resource.setrlimit(resource.RLIMIT_CPU, (5, 5))
while resource.getrlimit(resource.RLIMIT_CPU)[0] == resource.RLIM_INFINITY:
    pass
print(int(input()) + (resource.getrlimit(resource.RLIMIT_CPU)[0] > 0))
