"""The kernel side: `%pixi`, and the wire format that everybody may import."""
