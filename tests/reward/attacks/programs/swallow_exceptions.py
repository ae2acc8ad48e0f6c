# tries: to catch whatever a time limit would raise
# kind: stdio
# seen: time_limit
while True:
    try:
        while True:
            pass
    except BaseException:
        continue
