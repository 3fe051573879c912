"""The Autobahn TestSuite against both sides of the framework's WebSocket; `make autobahn` runs it."""
