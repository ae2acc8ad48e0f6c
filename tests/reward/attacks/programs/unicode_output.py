# tries: to be accepted by characters that only look like the answer
# kind: state
# seen: wrong
import sys
sys.stdout.buffer.write("\u200b0\u202e\u0660\ufeff\x00\n".encode() + b"\xff\xfe")
