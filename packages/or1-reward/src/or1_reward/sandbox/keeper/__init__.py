"""The supervising process: one per worker, started by exec in a clean interpreter, outside of the jail.

Standard library only; it knows programs and inputs but never an expected output.
"""
