"""Settings of a run: typed, frozen structs, and TOML recipes that are converted to them."""
