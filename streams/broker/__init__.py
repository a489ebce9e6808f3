"""The broker: its topics, the clients that reach it, and an embedded one for trying out.

embedded      runs a Kafka-speaking broker beside the process
clients       which broker, how to reach it, and started producers, consumers and admins
pacing        keeps consumers from spinning, and lets them end
lenient       reads names of headers that are not UTF-8
presence      says when a broker is gone, and when it is back
topics        every topic in one table; creates and checks them
broadcast     compacted control topics, held by every process and edited live
ranges        a part of a topic by time or offset, for people who ask
dead_letters  reads them, and sends them back to the topics that they came from
lag           how far a consumer group is behind, asked at intervals
verbs         `wirewatch topics`
"""
