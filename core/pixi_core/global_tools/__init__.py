"""Tools of the user: the global manifest, where its environments are, and the launchers that start what they expose."""
