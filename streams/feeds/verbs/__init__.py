"""`wirewatch poll` and `wirewatch feeds …`.

changing         what starts and changes something; the way in
looking          what only looks
editing, showing checks of what people give, and how things are shown
"""
