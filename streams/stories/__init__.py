"""Which items tell the same news. Pure: state is a fold over `news.enriched`."""
