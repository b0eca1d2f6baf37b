"""Several hosts of a model as one: each call goes where it is answered soonest, past hosts that fail."""
