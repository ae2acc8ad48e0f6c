"""Rows in and out of jsonl, json, parquet, gzip, and hub sets."""
