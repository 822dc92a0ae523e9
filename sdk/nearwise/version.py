"""The version of this SDK, as bundles ask for it and servers see it."""

__version__ = "0.1.0"
