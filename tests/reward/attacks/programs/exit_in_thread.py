# tries: to pass by leaving from a thread
# kind: stdio
# seen: wrong
import os, threading
threading.Thread(target=os._exit, args=(0,)).start()
