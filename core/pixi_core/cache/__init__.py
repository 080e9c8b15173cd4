"""Caches shared by all environments: where they are (`layout`) and how entries become whole (`store`)."""
