# tries: to start another program
# kind: stdio
# seen: runtime_error
import subprocess
print(subprocess.check_output(["cat", "@SECRET_FILE@"]).decode())
