# tries: to have code run in the grader by unpickling
# kind: call
# seen: wrong, runtime_error
import os
class Run:
    def __reduce__(self):
        return os.system, ("touch @SECRET_FILE@.owned",)
def f(x):
    return Run()
