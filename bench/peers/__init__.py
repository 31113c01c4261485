"""Other queues on PostgreSQL, each with the best settings that its documentation and trying gave."""
