# tries: to keep the judge waiting
# kind: judge
# seen: time_limit, wrong
import time
def f(x):
    time.sleep(1000)
