"""What PyPI indexes offer, and the resolution of Python requirements over it."""
