# tries: to crash the interpreter
# kind: stdio
# seen: runtime_error
import ctypes
ctypes.string_at(0)
