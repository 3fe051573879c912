"""What the application does, apart from HTTP and from where things are kept."""
