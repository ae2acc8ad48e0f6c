"""What responses earn: the kinds of `[[rewards]]`, evaluated group by group beside the engine."""
