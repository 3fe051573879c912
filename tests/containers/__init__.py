"""Tests with a hand on the containers of a running stack. Only `make test-containers` starts one for them."""
