"""The Jupyter server extension: lock status, progress events, kernel picker entries, front end."""
