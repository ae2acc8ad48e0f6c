# tries: to keep state in folders, hidden files and shared memory
# kind: state
# seen: wrong, runtime_error
import os
seen = sum(os.path.exists(path) for path in (".a", "d/e", "/tmp/.b", "/dev/shm/c"))
os.makedirs("d", exist_ok=True)
for path in (".a", "d/e", "/tmp/.b", "/dev/shm/c"):
    try:
        open(path, "w").close()
    except OSError:
        pass
print(0 if not seen else 1)
