"""The doing of tasks by worker processes, on any number of machines, over a docket in Redis.

plain_data       what docket may put into Redis and take out: JSON, nothing that runs code
task_queue       the queue of tasks, and what a task in it refers to
brief            what workers are told of a build
host_slots       the slots of a model host, shared by all workers
docket_executor  the orchestrator's end: tasks go in, results come back
server_clock     the clock of Redis, by which all of them go
docket_worker    docket's worker, which nothing that lies in the queue ends
docket_clock     docket by that clock
task_worker      the worker's end: tasks are taken and done
roster           which workers there are and what they do
"""
