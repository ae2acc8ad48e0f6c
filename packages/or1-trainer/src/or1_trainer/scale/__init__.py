"""`--scale-down`: any recipe whole, on a tiny random model of the same family, in minutes on a CPU."""
