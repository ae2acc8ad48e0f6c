# tries: to speak the judge's protocol itself
# kind: judge
# seen: wrong, runtime_error
import os, json
def send(message):
    data = json.dumps(message).encode()
    os.write(4, len(data).to_bytes(4, "big") + data)
send({"ready": True})
send({"value": {"v": {"t": "handle", "v": 0, "n": "f"}, "o": []}})
for _ in range(10):
    send({"value": {"v": True, "o": []}, "outcome": "passed", "asserts": 9})
os._exit(0)
