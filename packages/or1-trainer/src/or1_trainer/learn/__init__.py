"""From samples to a better policy: behaviour log-probs, optimiser steps."""
