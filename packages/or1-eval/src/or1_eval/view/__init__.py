"""Pages of runs: `report.html` beside every run, and the site that `or1-eval view` writes."""
