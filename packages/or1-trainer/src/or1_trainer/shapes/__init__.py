"""Shapes of models, from their `config.json` alone: no weights, no hub."""
