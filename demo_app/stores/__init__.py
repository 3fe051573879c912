"""Where the application keeps things. The protocols are in `base`; each driver is named in one file only."""
