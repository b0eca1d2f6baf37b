"""The migration harness: runs both engines on the same specs, compares what they did, and judges."""
