"""Taking videos down: the release without them, and what is then to be done on the Hub."""
