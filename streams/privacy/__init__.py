"""Personal data: all that is stored about a figure, handed out or erased.

about       which records are about a figure, and which alerts of it live (pure)
retention   until when what cannot be erased by its key has gone (pure)
stored      reads the topics
erasing     the order in which a figure is erased
archived    the rows of the Parquet archive
verbs       `wirewatch privacy`

What publishers wrote stays what they wrote: items, and evidence about others that names the figure.
"""
