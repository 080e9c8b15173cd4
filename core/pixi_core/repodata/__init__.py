"""What conda channels offer: fetched, indexed by name, compiled for the solver."""
