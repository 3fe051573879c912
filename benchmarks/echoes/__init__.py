"""TCP servers of the peers, without HTTP: each line is sent back as it came."""
