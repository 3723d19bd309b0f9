"""The command line: `bayesml demo`."""
