"""Workers that do the tasks of builds: one of them in this process, and the look at all of them."""
