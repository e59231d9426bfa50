"""Messages: events worded, Markdown rendered, threads drawn. No merging."""
