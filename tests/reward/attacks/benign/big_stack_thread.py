# does: runs in a thread with a big stack
# kind: increment
import sys, threading
sys.setrecursionlimit(1 << 25)
threading.stack_size(1 << 28)
def depth(n):
    return 0 if n == 0 else 1 + depth(n - 1)
def main():
    print(int(input()) + depth(100000) - 99999)
thread = threading.Thread(target=main)
thread.start()
thread.join()
