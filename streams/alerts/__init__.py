"""Which mentions deserve an alert, and what kind. Pure: `now`, rules and history are handed in."""
