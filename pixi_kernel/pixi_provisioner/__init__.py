"""Kernels in locked environments: provisioner, kernel specs, bootstrap, message kernel."""
