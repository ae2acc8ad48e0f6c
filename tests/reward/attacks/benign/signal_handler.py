# does: installs an alarm that never fires
# kind: increment
import signal
signal.signal(signal.SIGALRM, lambda *_: None)
signal.alarm(100)
print(int(input()) + 1)
