"""`make bench`: how fast we are, as ratios to the limit and to peers measured in the same run."""
