"""Where alerts and records leave Wirewatch.

webhook       posts an alert, signed by the Standard Webhooks scheme
receivers     who is told: notify.yaml
waiting       what waits to be told, and until when
quota         one digest instead of too many messages
lanes         one queue per receiver with retries
ledger        which offsets are done, and what a restart must know
notifier      a record's way through these
notify        the process: `news.alerts` to the receivers
redelivery    what a receiver has not got, posted again by hand
letter_verbs  `wirewatch dead-letters`
parquet       one batch of records to Parquet files, all or nothing
archive       the process: items, mentions and alerts to Parquet
query         SQL over the archive
dead_letters  sets a record aside with the reason
signals       ends a process on request
terminal      an alert as text for a terminal
"""
