"""The chronicle of a task: what there is, which model is in use, what happened, by whom and why, what is open."""
