"""Whom Wirewatch watches: the file that says it, and all that makes such lists and looks at them.

file                   watchlist.yaml to figures; which line a figure stands in
grading                which names are too weak to stand alone, and why (pure, as all that follows)
checking               what is wrong with a watchlist, and what is probably not meant
accounting             persons without a purpose or an owner, or whose review is overdue
erasing                marks that keep erased figures from coming back
aliases                names as people type them: `Apple:context`
editing                figures made and changed: ids, graded names, two statements merged
candidates             what a file says of a figure, before it is one
spreadsheet, wikidata  CSV and Wikidata's JSON to candidates
vetting                which of Wikidata's names are worth looking for
drafting, importing    candidates to changes, with a reason for all that is left out
exporting              figures to YAML, CSV and JSON lines
trying                 a watchlist tried on a text: who is found, which names do not count, and why

Figures are found in items by `streams.enrich.figures`; the command line is `streams.enrich.verbs`.
"""

from streams.enrich.watchlist.file import read_watchlist
from streams.enrich.watchlist.grading import weak_names

__all__ = ["read_watchlist", "weak_names"]
