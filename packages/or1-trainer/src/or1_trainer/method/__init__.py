"""The method itself, without I/O: advantages, loss, entropy control, packing."""
