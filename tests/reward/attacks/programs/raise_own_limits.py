# tries: to raise its own limits
# kind: stdio
# seen: runtime_error
import resource
resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
print("@SECRET@")
