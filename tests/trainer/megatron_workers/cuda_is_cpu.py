"""Start `cuda_steps` on this rank.

Megatron's checkpoint writer starts a helper process that imports this file again: it must not import torch for that.
"""

if __name__ == "__main__":
    from cuda_steps import main

    main()
