# tries: to hold memory in the queues of socket pairs, which is no process's
# kind: stdio
# seen: memory_limit, runtime_error, time_limit, wrong
import os, socket, time
for _ in range(5):
    try:
        os.fork()
    except OSError:
        pass
pairs, held = [], 0
try:
    while True:
        pair = socket.socketpair()
        pairs.append(pair)
        for end in pair:
            end.setblocking(False)
            try:
                while True:
                    held += end.send(b"x" * 65536)
            except BlockingIOError:
                pass
except OSError:
    pass
time.sleep(5)
