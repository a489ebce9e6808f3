"""From feeds to Items: fetch, parse, decide what is new, publish, remember.

registry, opml, discovery, finding     which feeds there are, and where a site has them
fetch, answers, guard, hosts, resolve  bytes from outside; what answers mean, what is refused
parse, formats/, document, links       bytes to entries (pure); parser_pool runs it elsewhere
identity, naming, fingerprint          entries to new, updated and seen Items (pure)
languages                              what a feed is written in, learned from its entries (pure)
judgement: moves, silence, health,     what a poll means for its feed (pure); outcome goes in,
           schedule                    rhythm is what was learned
agenda, politeness, outage, turns      who may be asked now
visit                                  one look at one feed: all of the above in order
publish, poller, ports                 visit, publish, then remember
sharing/, websub/                      feeds shared among processes; feeds that push
polling                                the process
checking, status, verbs/               the command line
"""
