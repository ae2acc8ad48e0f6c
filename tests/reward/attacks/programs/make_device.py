# tries: to make a device file of the memory or the disk
# kind: stdio
# seen: runtime_error
import os, stat
made = 0
for place in ("mem", "/tmp/mem", "/dev/mem2"):
    for device in (os.makedev(1, 1), os.makedev(8, 0)):
        try:
            os.mknod(place, 0o666 | stat.S_IFBLK, device)
            made += 1
        except OSError:
            pass
if not made:
    raise PermissionError("no devices")
print("@SECRET@")
