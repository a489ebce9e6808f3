"""Documents of every kind to entries (pure); `streams.feeds.parse` is the way in.

unpack, charset         bytes to text
outline, channel        where entries are, and what stands before them, without parsing
xml_feed, json_feed, sitemap, salvage   one file per way of reading
dates                   as publishers write them
"""
