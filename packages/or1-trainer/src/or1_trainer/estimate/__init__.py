"""What a recipe will need, before a GPU is rented: memory, tokens, FLOPs, time. Formulas: docs/plan.md."""
