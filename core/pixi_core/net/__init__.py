"""The network: one HTTP client that is polite, suspicious and patient."""
