"""What a flow is told: events worded, Markdown rendered, threads drawn. No merging."""
