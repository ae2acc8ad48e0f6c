# tries: to put itself between the runner and what it imports
# kind: call
# seen: wrong, runtime_error
import sys
class Hook:
    def find_spec(self, name, path=None, target=None):
        sys.modules[name] = sys.modules[__name__]
    def __getattr__(self, name):
        return lambda *_, **__: "@SECRET@"
sys.meta_path.insert(0, Hook())
for name in [name for name in sys.modules if name not in ("sys", "builtins", __name__)]:
    del sys.modules[name]
def f(x):
    return None
