# SPDX-License-Identifier: Apache-2.0
"""Headless Chromium, and the pages that it opens from a port of this machine."""

import http.server
import json
import os
import queue
import signal
import subprocess
import threading
from pathlib import Path
from urllib.parse import urlencode

from waiting import PATIENCE_S

HERE = Path(__file__).parent
FILES = {
    "/": (HERE / "browser" / "page.html", "text/html"),
    "/page.js": (HERE / "browser" / "page.js", "text/javascript"),
    "/mqtt.min.js": (HERE / "node_modules" / "mqtt" / "dist" / "mqtt.min.js", "text/javascript"),
}


class _Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):  # noqa: N802 (the name is the library's)
        file, kind = FILES.get(self.path.split("?")[0], (None, None))
        body = file.read_bytes() if file else b""
        self.send_response(200 if file else 404)
        self.send_header("Content-Type", kind or "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):  # noqa: N802
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(204)
        self.end_headers()
        self.server.results.put(json.loads(body))

    def log_message(self, *_):
        """Says nothing of requests."""


class Pages:
    """Serves the page; `origin` is what a browser says of it."""

    def __init__(self):
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self._server.results = queue.Queue()
        self.origin = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def open(self, folder, url, version):
        """What the page, opened in a new browser, has found at the server of that URL."""
        address = f"{self.origin}/?{urlencode({'url': url, 'version': version})}"
        command = [
            "chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run",
            "--disable-dev-shm-usage", "--disable-background-networking", "--disable-extensions",
            "--disable-component-update", "--disable-sync", "--no-proxy-server",
            # The authority that has signed the server's certificate is the test's own.
            "--ignore-certificate-errors", f"--user-data-dir={folder}/profile", address]
        environment = {**os.environ, "HOME": str(folder)}
        with open(folder / "chromium.log", "wb") as log, subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment,
                start_new_session=True) as browser:
            try:
                return self._server.results.get(timeout=2 * PATIENCE_S)
            finally:
                os.killpg(browser.pid, signal.SIGTERM)  # it has started processes of its own

    def close(self):
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
