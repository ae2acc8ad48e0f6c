"""One run: its plan, its problems, its state, its folder, its loop."""
