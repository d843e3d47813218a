"""The API's documentation page, served from our own files under a strict policy."""

from pathlib import Path

import fastapi_offline
from fastapi import FastAPI
from fastapi.responses import HTMLResponse
from fastapi.staticfiles import StaticFiles

_VENDOR = Path(fastapi_offline.__file__).parent / "static"
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Dorflicht API</title>
<link rel="stylesheet" href="/api/docs/files/swagger-ui.css">
<link rel="icon" href="/api/docs/files/favicon.png">
<script src="/api/docs/files/swagger-ui-bundle.js" defer></script>
<script src="/api/docs/own/docs.js" defer></script>
</head>
<body><div id="docs"><p>The API's description is at <a href="/api/openapi.json">/api/openapi.json</a>.</p></div></body>
</html>
"""


def install(app: FastAPI) -> None:
    """Add the page at /api/docs and its files."""

    @app.get("/api/docs", include_in_schema=False)
    async def docs() -> HTMLResponse:
        return HTMLResponse(_PAGE, headers={"Content-Security-Policy": _POLICY})

    app.mount("/api/docs/files", StaticFiles(directory=_VENDOR))
    app.mount("/api/docs/own", StaticFiles(directory=Path(__file__).parent / "static"))
