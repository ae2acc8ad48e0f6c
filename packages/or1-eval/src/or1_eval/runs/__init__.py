"""Run folders: every sample on disk as it comes; a killed run goes on, a finished one can be judged again."""
