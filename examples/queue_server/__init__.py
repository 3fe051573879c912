"""A persistent queue server that speaks memcache's text protocol. README.md says what it does and promises."""
