"""The mirror of engines that cannot be touched: their `blackboard.json` in Redis, verified, mended."""
