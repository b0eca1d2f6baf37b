"""What strangers ask of the simulated model, who are none of the team: told from what they say."""
