"""Events on their way home: kept on disk in order, sealed into batches, settled when the server says stored."""
