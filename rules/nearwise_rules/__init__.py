"""What a bundle means: pure functions from values to values. The public surface of the rules room."""
