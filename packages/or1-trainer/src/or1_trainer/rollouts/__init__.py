"""From problems to groups of responses: engines of all ranks as one, verdicts, weights and their proof."""
