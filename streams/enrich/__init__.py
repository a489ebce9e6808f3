"""What an item says: its text and language, watched figures, policy topics and entities.

`pipeline` holds the order of the steps. Everything here is pure but for the models and lexicons,
which are loaded once per process.
"""
