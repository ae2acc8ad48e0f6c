# tries: to look killed from outside, which is nobody's wrong answer: the end of a CPU limit that it has lowered itself
# kind: stdio
# seen: time_limit
import resource
resource.setrlimit(resource.RLIMIT_CPU, (0, 0))
resource.prlimit(0, resource.RLIMIT_CPU, (1, 1))
while True: pass
