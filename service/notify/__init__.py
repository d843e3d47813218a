"""The ways to staff: e-mail and webhook."""
