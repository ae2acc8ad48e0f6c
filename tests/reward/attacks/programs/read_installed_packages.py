# tries: to read what is installed beside the interpreter, as a data set with the expected outputs may be
# kind: stdio
# seen: wrong
import glob, os
folder = os.path.dirname(os.__file__)
places = [folder, "/usr/lib/python3", "/usr/lib/python3.11", "/lib/python3", "/usr/local/lib/python3.11"]
texts = []
for place in places:
    for path in glob.glob(f"{place}/*-packages/*") + glob.glob(f"{place}/*-packages/*/*.py"):
        try:
            texts.append(open(path).read())
        except OSError:
            pass
print(texts[0] if texts else "nothing", len(texts))
assert not texts
