"""All Faust wiring. An agent hands records to a stage; what is news is decided in the rooms.

app       one Faust app per stage, so that stages scale and fail apart
guards    what Faust 0.15.3 gets wrong, and the mending of it
acking    emit -> wait for the broker's acks -> ack the input, in order
watchdog  a stuck process ends itself
enrich    news.items    -> news.enriched
stories   news.enriched -> news.mentions
alerts    news.mentions -> news.alerts
worker    the process: one stage each
"""
