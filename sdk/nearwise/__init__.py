"""Living on a device: decide locally, remember, and bring events home."""
