"""The answers of the simulated model, by the stage of the work they belong to."""
