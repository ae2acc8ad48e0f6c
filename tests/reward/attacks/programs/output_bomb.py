# tries: to fill the grader's memory through stdout
# kind: stdio
# seen: runtime_error
while True:
    print("x" * 1000000)
