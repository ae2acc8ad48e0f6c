# tries: to read keys below every home folder
# kind: stdio
# seen: wrong, runtime_error
import glob
found = glob.glob("/" "root/.ssh/*") + glob.glob("/home/*/.ssh/*") + glob.glob("/" "root/.*rc")
print(open(found[0]).read() and "@SECRET@")
