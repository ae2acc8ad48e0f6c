"""Selection: the one place where rows are dropped, each with its reasons; and mixing, splitting, the stage filter."""

from or1_data.select.mixing import mix, split
from or1_data.select.reasons import SelectSettings, reasons
from or1_data.select.rollouts import annotate_rollouts, outcomes, stage_filter

__all__ = ["SelectSettings", "annotate_rollouts", "mix", "outcomes", "reasons", "split", "stage_filter"]
