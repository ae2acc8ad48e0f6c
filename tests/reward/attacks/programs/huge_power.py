# tries: to stay inside one C call that no Python code can interrupt
# kind: stdio
# seen: time_limit, memory_limit
print(3 ** 10 ** 10)
