# tries: to find the expected output in its own raw memory
# kind: stdio
# seen: wrong, runtime_error
import ctypes, re
needle = ("@SECRET_HALF@"[::-1])[::-1].encode()
for line in open("/proc/self/maps"):
    low, high = (int(part, 16) for part in line.split()[0].split("-"))
    data = ctypes.string_at(low, high - low)
    print(re.findall(needle + rb"\w+", data))
