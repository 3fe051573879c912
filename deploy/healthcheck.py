"""Ask the server of this container whether it is alive. Needs nothing but the standard library."""

import http.client
import os
import sys

port = int(os.environ.get("TORNADO_SERVER_PORT", "8888"))
connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
try:
    connection.request("GET", "/health/live")
    status = connection.getresponse().status
except OSError as error:
    sys.exit(f"no answer on port {port}: {error}")
finally:
    connection.close()
sys.exit(None if status == 200 else f"/health/live answered {status}")
