"""`make run`: the servers, the web, the workers and the beat of one machine, started, watched and stopped together."""
