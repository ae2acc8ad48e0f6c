# tries: to start endless threads
# kind: stdio
# seen: runtime_error, time_limit, memory_limit, wrong
import threading, time
threading.stack_size(32768)
while True:
    threading.Thread(target=time.sleep, args=(1000,), daemon=True).start()
