# tries: to empty files outside, also by opening them for reading only
# kind: stdio
# seen: wrong, runtime_error
import os
changed = 0
for path in ("@SECRET_FILE@", os.__file__):
    for step in (lambda: os.truncate(path, 0), lambda: os.open(path, os.O_RDONLY | os.O_TRUNC), lambda: os.unlink(path),
                 lambda: os.rename(path, path + "x")):
        try:
            step()
            changed += 1
        except OSError:
            pass
print(changed)
assert not changed
