"""Programs on the framework's network side, to run, to read and to begin from."""
