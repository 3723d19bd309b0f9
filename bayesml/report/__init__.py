"""One self-contained page about a result."""
