"""``python -m framework.httpclient``."""

from framework.httpclient.main import main

if __name__ == "__main__":
    main()
