# does: passes work between threads
# kind: increment
import queue, threading
box = queue.Queue()
threading.Thread(target=lambda: box.put(int(input()) + 1)).start()
print(box.get(timeout=5))
