# tries: to leave a thread running after the end of the program
# kind: stdio
# seen: time_limit
import threading, time
threading.Thread(target=time.sleep, args=(1000,)).start()
