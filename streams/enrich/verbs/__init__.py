"""`wirewatch analyze` and `wirewatch watchlist …`.

analyzing          what would be found in a text
watching           edits the watchlist that the processes follow; the way in
checking, showing  what only looks, and how things are shown
"""
