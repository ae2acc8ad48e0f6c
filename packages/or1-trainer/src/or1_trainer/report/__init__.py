"""`report.html`: one page on one or several runs."""
