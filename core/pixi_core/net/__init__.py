"""HTTP: one client with retries, resumption, credentials by host, and mirrors."""
