"""Where alerts and records leave Wirewatch.

webhook       posts an alert, signed by the Standard Webhooks scheme
lanes         one queue per receiver with retries, and which offsets are done
notify        the process: `news.alerts` to the receivers
parquet       one batch of records to Parquet files, all or nothing
archive       the process: items, mentions and alerts to Parquet
query         SQL over the archive
dead_letters  sets a record aside with the reason
signals       ends a process on request
terminal      an alert as text for a terminal
"""
