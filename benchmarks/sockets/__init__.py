"""WebSocket servers of the peers: `/echo` sends each message back, `/everybody` sends it to all who are there."""
