"""The centre: publish bundles to devices and take in their events."""
