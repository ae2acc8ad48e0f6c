# tries: to allocate absurd sizes at once
# kind: stdio
# seen: memory_limit, runtime_error, time_limit
x = "x" * (1 << 62)
