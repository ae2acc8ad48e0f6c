"""The method as functions of arrays and plain numbers: advantages, losses, entropy control, packing."""
