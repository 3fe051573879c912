"""The clients among the peers: one program each, which fetches a URL again and again."""
