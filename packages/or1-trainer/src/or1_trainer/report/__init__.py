"""`report.html`: one page of one or several runs."""
