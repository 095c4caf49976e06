"""The review page as one document, joined from its files: no build, no request to anywhere, no script but its own."""

from __future__ import annotations

import base64
import hashlib
import re
from functools import cache
from importlib.resources import files

PARTS = (
    "session.js",
    "marks.js",
    "labels.js",
    "queue.js",
    "list.js",
    "map.js",
    "figures.js",
    "history.js",
    "app.js",
)
"""The page's own scripts, in the order in which they use one another; before them comes what stands for its host."""


_TIGHT = r"=>|[=!]==|&&|\|\||\?\?|="


def page() -> str:
    """Return the document for hosts of MCP Apps, through which its calls go. It asks the network for nothing."""
    return _document("bridge.js", "'none'")


def own_page() -> str:
    """Return the document that a server over HTTP serves by itself, and whose calls go to that server alone."""
    return _document("direct.js", "'self'")


@cache
def _document(host: str, reachable: str) -> str:
    """Return a document: its style and its scripts stand in it, and its policy lets nothing else run or load."""
    library, style = _asset("preact-htm.js"), _style()
    scripts = [library, "\n".join(('"use strict";(() => {', *map(_code, (host, *PARTS)), "})();"))]
    assert not any(end in script for script in (*scripts, style) for end in ("</script", "</style", "<!--"))
    policy = (
        f"default-src 'none'; img-src data:; base-uri 'none'; form-action 'none'; connect-src {reachable}; "
        f"style-src {_digest(style)}; script-src {' '.join(map(_digest, scripts))}"
    )
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n<title>Review</title>\n'
        f'<style>{style}</style>\n</head>\n<body>\n<div id="app"></div>\n'
        + "\n".join(f"<script>{script}</script>" for script in scripts)
        + "\n</body>\n</html>\n"
    )


def page_uri() -> str:
    """Return the page's URI. It holds a digest of the page, since hosts keep what they have read by its URI."""
    return f"ui://classwright/review-{hashlib.sha256(page().encode()).hexdigest()[:8]}.html"


def _code(name: str) -> str:
    """Return a script of the page's own without what is for who reads the file: comments, and white space.

    That is indentation, blank lines, and blanks around `_TIGHT` operators. A comment that has a quote or a backtick
    stays, unless a line is all of it. No text of a script may have more than one line where white space counts, or
    hold two slashes or such an operator between blanks: a test looks for such.
    """
    text = re.sub(r"^ *//.*\n", "", _asset(name), flags=re.MULTILINE)
    text = re.sub(r" +// [^\"`\n]*$", "", text, flags=re.MULTILINE)
    return re.sub(rf" ({_TIGHT}) ", r"\1", re.sub(r"\n\s+", "\n", text))


def _style() -> str:
    """Return the style without comments, and without the white space that separates nothing."""
    text = re.sub(r"/\*.*?\*/", "", _asset("style.css"), flags=re.DOTALL)
    return re.sub(r": ", ":", re.sub(r"\s*([{};,])\s*", r"\1", text)).replace(";}", "}")


def _asset(name: str) -> str:
    return (files("classwright_server.review_page") / "assets" / name).read_text(encoding="utf-8")


def _digest(text: str) -> str:
    """Return the source expression of an element that holds `text` (Content Security Policy 3, section 2.3.1)."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
