"""`wirewatch rules …`, `backtest` and `explain`.

ruling           changes of the live rules; the way in to `rules`
looking          what only looks
knowing          what rules may name: the watchlist, policy topics and feeds of files or of the broker
showing          how things are shown
backtesting      `wirewatch backtest`, shown by showing_past
explaining       `wirewatch explain`: finding looks into the topics, showing_why shows
moments          times as people give them
"""
