"""The application's side of HTTP: reads requests, asks the services, writes answers."""
