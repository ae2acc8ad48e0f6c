"""Rows in and out of files and hub sets."""
