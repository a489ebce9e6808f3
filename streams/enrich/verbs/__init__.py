"""`wirewatch analyze`, `wirewatch eval …` and `wirewatch watchlist …`.

analyzing         what would be found in a text
evaluating        how well things are found in labelled items; scoring shows it
watching          changes of watched figures; the way in to `watchlist`
exchanging        import and export
looking           what only looks
options, reading  what is given, by options and in files
showing           how things are shown
"""
