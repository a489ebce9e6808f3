"""What clauses tell without a parser: phrases, verbs, subjects, and whose words they hold.

small_words, speech_verbs   the word lists
phrases, finite             noun phrases and finite verbs, by words and punctuation
subjects, places            who says it; what a name is in its clause
marks, attribution          quotation marks, and whose words stand between them
reporting, reported         reported speech by verbs; by phrases and headlines
"""
