"""Wirewatch: from news feeds to explained alerts, over Kafka.

    feeds --poll--> news.items --enrich--> news.enriched --stories--> news.mentions --alerts--> news.alerts
                        '--------- anything that cannot be processed ---------> news.dead-letters

Rooms, in the order in which data flows; a room imports `records`, `errors`, the other
top-level modules and the rooms above it, never one below:

    broker    the embedded broker, topic definitions, clients, control topics
    feeds     fetch, parse, identity, schedule, health, OPML, the poller
    enrich    clean text, language, watched figures, policy topics, entities
    stories   which items tell the same news
    alerts    which mentions deserve an alert, and what kind of alert
    agents    all Faust wiring: the apps, safe acking, one file per agent
    sinks     webhook and Parquet, and the processes that feed them
    desk      the live page
    demo      a loopback newsroom, so that everything runs without internet
"""

__version__ = "0.1.0"
