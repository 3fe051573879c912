"""The account and session application: what the framework looks like in use."""
