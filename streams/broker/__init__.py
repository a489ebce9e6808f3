"""The broker: its topics, the clients that reach it, and an embedded one for trying out.

embedded   runs a Kafka-speaking broker beside the process
clients    which broker, how to reach it, and started producers, consumers and admins
topics     every topic in one table; creates and checks them
broadcast  compacted control topics, held by every process and edited live
lag        how far a consumer group is behind, asked at intervals
verbs      `wirewatch topics`
"""
