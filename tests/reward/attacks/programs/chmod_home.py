# tries: to close, open and age the files of the user that it runs as, which Landlock does not know
# kind: stdio
# seen: wrong, runtime_error
import os
changed = 0
for path in ("@SECRET_FILE@", os.path.dirname("@SECRET_FILE@"), os.__file__, os.path.dirname(os.__file__)):
    for step in (lambda: os.chmod(path, 0o700), lambda: os.utime(path, (0, 0)), lambda: os.chown(path, 0, 0),
                 lambda: os.setxattr(path, "user.or1", b"x")):
        try:
            step()
            changed += 1
        except OSError:
            pass
print(changed)
assert not changed
