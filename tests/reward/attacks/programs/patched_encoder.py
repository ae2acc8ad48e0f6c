# tries: to change the code that carries the value out
# kind: call
# seen: wrong, runtime_error
import sys
for name, module in list(sys.modules.items()):
    for attribute in ("encode", "to_bytes", "report", "run_guarded"):
        if hasattr(module, attribute) and "inside" in name:
            setattr(module, attribute, lambda *a, **k: b'{"value": {"v": true, "o": []}}')
def f(x):
    return "wrong"
