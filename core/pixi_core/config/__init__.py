"""Configuration files of pixi: what they may say (`model`) and where they are (`load`)."""
