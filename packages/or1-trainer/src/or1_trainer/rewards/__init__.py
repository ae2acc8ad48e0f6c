"""What responses earn: one file per kind of `[[rewards]]`, evaluated group by group beside the engine."""
