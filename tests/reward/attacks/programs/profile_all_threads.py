# tries: to rewrite values through a profiler
# kind: call
# seen: wrong, runtime_error
import sys, threading
def spy(frame, event, argument):
    for name in list(frame.f_locals):
        if "expect" in name or "outcome" in name:
            frame.f_globals[name] = True
sys.setprofile(spy)
threading.setprofile(spy)
def f(x):
    return sys._getframe(1).f_locals.get("expected", "none")
