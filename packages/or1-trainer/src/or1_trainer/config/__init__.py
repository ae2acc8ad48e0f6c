"""Settings: typed, frozen, closed; recipes are TOML over them."""
