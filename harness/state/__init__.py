"""The mirror of engines that cannot be touched: their `blackboard.json` followed into Redis, verified, mended."""
