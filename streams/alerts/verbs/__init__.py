"""`wirewatch rules …`.

ruling           changes of the live rules; the way in
looking          what only looks
knowing          what rules may name: the watchlist, policy topics and feeds of files or of the broker
showing          how things are shown
"""
