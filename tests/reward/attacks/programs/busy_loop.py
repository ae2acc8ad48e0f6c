# tries: to hold the grader up by computing
# kind: stdio
# seen: time_limit
while True:
    pass
