"""The async engine: modules concurrently, state in Redis, events on a stream and on Pub/Sub."""
