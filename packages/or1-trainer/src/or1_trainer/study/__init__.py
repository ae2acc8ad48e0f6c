"""The entropy laboratory: a claim as data, its runs, the effect with an interval, and the verdict."""
