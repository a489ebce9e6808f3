"""Feeds that push, by the W3C WebSub recommendation; `subscriber.Subscriber` is the way in.

subscription, signature   what to ask of hubs, what to believe of them (pure)
callback                  the web server that hubs call
subscriber                both together, for the feeds of this process
"""
