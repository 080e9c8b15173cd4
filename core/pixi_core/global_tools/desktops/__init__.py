"""Entries of desktops' menus, a module for each system: what is written for an entry, and how it is taken away."""
