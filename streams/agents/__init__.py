"""All Faust wiring. An agent hands records to a stage; what is news is decided in the rooms.

app         one Faust app per stage, so that stages scale and fail apart
guards      what Faust 0.15.3 and its producer get wrong, and the mending of it
acking      emit -> wait for the broker's acks -> ack the input, in order
in_flight   what is taken and not acked: how old it is, and whether it gets on
history     reads a part of a partition again
partitions  state per partition, rebuilt from history where the log was not followed
watchdog    a process that is stuck, or stood still for too long, ends itself
enrich      news.items    -> news.enriched
stories     news.enriched -> news.mentions
alerts      news.mentions -> news.alerts
worker      the process: one stage each
codec       records as Faust values, for agents that others write
"""
