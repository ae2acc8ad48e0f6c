# tries: to use the template's own modules against it
# kind: stdio
# seen: wrong, runtime_error
import sys
template = sys.modules.get("inside.template") or sys.modules.get("__main__")
import inside.template as t, gc
for thing in gc.get_objects():
    if type(thing).__name__ == "Template":
        thing.control.send(b'{"wall_s": 0.1, "stopped": "", "status": 0, "cpu_s": 0, "peak_kib": 1, "dirty": false}')
        thing._send({"wall_s": 0.1, "stopped": "", "status": 0, "cpu_s": 0, "peak_kib": 1, "dirty": False})
