# tries: to change the library that later tests import
# kind: stdio
# seen: runtime_error
import json
with open(json.__file__, "a") as file:
    file.write("\nimport os\n")
print("@SECRET@")
