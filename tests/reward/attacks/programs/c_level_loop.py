# tries: to stay inside one C call that no Python code can interrupt
# kind: stdio
# seen: time_limit, memory_limit
import re
re.match(r"(a+)+$", "a" * 60 + "b")
