"""A newsroom on loopback whose invented feeds publish over time: `wirewatch up --demo`."""
