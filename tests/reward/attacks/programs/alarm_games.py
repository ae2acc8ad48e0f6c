# tries: to switch off a time limit made of alarms
# kind: stdio
# seen: time_limit
import signal, time
signal.alarm(0)
signal.setitimer(signal.ITIMER_REAL, 0)
signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))
time.sleep(1000)
