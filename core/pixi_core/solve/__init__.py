"""The conda solver. A library of its own: it asks a candidate source, and never fetches."""
