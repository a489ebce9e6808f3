"""What an item says: its text and language, watched figures, policy topics and entities.

pipeline                               the order of the steps; batch runs it in a pool's process
text, abbreviations, words, memo       clean text whose offsets never change, its sentences and words
language                               what it is written in, with what the feed has shown
names, name_trie, figures              watched figures: where their names stand, and how sure that is
near_names, slips                      persons whose name is nearly a watched one
scene, figure_words, namesakes         what the text says about a name, and whose it is
figure_rules, weak_names               one reason each; figure_weights is the one table of weights
roles, quotes, clauses/                a figure's part in the news and its words, without a parser
lexicon, terms, pattern_grid           policy topics: the folder of YAML files, its terms and patterns
frames, meeting                        what words say about them
policy, semantics, adapter             the verdict; what an item means, as a second opinion
entities, entity_models, canonical     named entities by spaCy; mentions of one entity share a name
watchlist/                             whom Wirewatch watches: files, grading, checks, imports
wording, report                        findings in words for editors
gold, measuring, evaluation, mistakes  labelled items, and how well things are found in them
data/, verbs/                          given names and what was trained; the command line

Everything here is pure but for the models and lexicons, which are loaded once per process, and for
what reads files: lexicon, gold, watchlist/file and verbs/.
"""
