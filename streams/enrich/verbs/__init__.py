"""`wirewatch analyze` and `wirewatch watchlist …`.

analyzing         what would be found in a text
watching          changes of watched figures; the way in to `watchlist`
exchanging        import and export
looking           what only looks
options, showing  what is given, and how things are shown
"""
