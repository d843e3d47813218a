"""One function for each verb: gather, decide, apply. Synchronous; runs inside one transaction."""
