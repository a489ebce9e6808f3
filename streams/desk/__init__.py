"""The live page of the monitoring desk.

view       folds alerts into what the page shows, and renders evidence (pure)
live       the alerts a running desk holds, and the bounded memory of what changed
guard      who may ask: host names, token, security headers
server     routes, server-sent events, and the process that reads `news.alerts`
templates  the page and the card, which is the same for the first paint and for live updates
static     style and script, served as they are; no build step, nothing from elsewhere
"""
