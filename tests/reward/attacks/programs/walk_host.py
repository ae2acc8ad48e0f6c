# tries: to find the secret anywhere in the file system
# kind: stdio
# seen: wrong, runtime_error
import os
for folder, _, names in os.walk("/"):
    for name in names:
        if "canary" in name:
            print(open(os.path.join(folder, name)).read())
