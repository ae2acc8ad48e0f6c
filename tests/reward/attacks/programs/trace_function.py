# tries: to skip the asserts with a trace function
# kind: harness
# seen: wrong, runtime_error
import sys
def tracer(frame, event, arg):
    if frame.f_code.co_name == "check":
        frame.f_lineno += 1
    return tracer
sys.settrace(tracer)
def f(x):
    return "wrong"
