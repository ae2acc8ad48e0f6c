"""`or1-rollout generate`: prompts in a file, completions out of it, resumable."""
