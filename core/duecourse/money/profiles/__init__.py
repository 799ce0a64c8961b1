"""Legal profiles of the calculators, as data with their sources."""
