"""Handing trigger events to other systems: channels, signed requests, tries and their outcome (docs/webhooks.md)."""
