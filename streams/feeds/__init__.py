"""From feeds to Items: fetch, parse, decide what is new, publish, remember.

registry, opml                                which feeds there are
fetch, answers, guard                         bytes from outside; what answers mean, what is refused
charset, parse, json_feed, document, links    bytes to entries (pure); parser_pool runs it elsewhere
identity                                      entries to new, updated and seen Items (pure)
outcome, health, schedule, agenda             what a poll means, and what is due when (pure)
visit                                         one look at one feed: all of the above in order
publish, poller                               the process: visit, publish, then remember
checking, verbs                               the command line
"""
