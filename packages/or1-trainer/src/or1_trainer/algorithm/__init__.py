"""The method as functions of tensors and plain numbers: advantages, losses, entropy control, packing."""
