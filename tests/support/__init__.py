"""What several test rooms share: servers and helpers, one file for each thing given."""
