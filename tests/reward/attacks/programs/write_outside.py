# tries: to write to the host
# kind: stdio
# seen: runtime_error
import os
for path in ("@SECRET_FILE@", "/etc/motd", "/usr/lib/or1", os.__file__, "/or1", "/dev/or1"):
    try:
        with open(path, "a") as file:
            file.write("owned")
        print("@SECRET@")
    except OSError as error:
        last = error
raise last
