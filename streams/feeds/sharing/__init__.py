"""Poll processes share the feeds by consumer group; `share.Share` is the way in.

apportion, holdings     who gets what; what is known of it (pure)
membership, following   our place in the group; reading our partitions
share                   both together
"""
