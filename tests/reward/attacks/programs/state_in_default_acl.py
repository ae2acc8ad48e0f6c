# tries: to leave rules for the files of the next test
# kind: state
# seen: wrong, runtime_error
import os, struct
try:
    seen = len(os.getxattr(".", "system.posix_acl_default")) // 28
except OSError:
    seen = 0
entries = b"".join(struct.pack("<HHI", tag, 7, 0xFFFFFFFF) for tag in (1, 4, 32))
try:
    os.setxattr(".", "system.posix_acl_default", struct.pack("<I", 2) + entries)
except OSError:
    pass
print(seen)
