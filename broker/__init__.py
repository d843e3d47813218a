"""How controllers reach the service: the contract as files, and a broker for demo, tests and a first trial."""
