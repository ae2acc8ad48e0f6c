"""What runs inside the jail: the warm template, the candidate's runner, the judge. Standard library only.

These modules are started by path in a clean interpreter (`-s -S -P -B`), so they import nothing of or1_reward.
"""
