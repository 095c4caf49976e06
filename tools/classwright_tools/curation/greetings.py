"""Greetings that a text begins with, in the languages in which they are known."""

from __future__ import annotations

import re

GREETINGS = {
    "ar": "مرحبا|أهلا|اهلا|السلام عليكم|صباح الخير|مساء الخير",
    "de": "hallo|hi|hey|moin|servus|grüß (?:gott|dich|euch)|guten? (?:morgen|tag|abend)|sehr geehrte[rs]?",
    "en": "hi|hello|hey|dear|good (?:morning|afternoon|evening|day)",
    "es": "hola|buen d[ií]a|buenos d[ií]as|buenas(?: (?:tardes|noches))?|estimad[oa]s?",
    "fr": "bonjour|bonsoir|salut|coucou",
    "hi": "नमस्ते|नमस्कार|हैलो|namaste",
    "it": "ciao|buon ?giorno|buona ?sera",
    "nl": "hallo|hoi|hey|goede(?:morgen|middag|navond|ndag)",
    "pl": "cześć|dzień dobry|witam",
    "pt": "olá|oi|bom dia|boa (?:tarde|noite)|prezad[oa]s?",
    "sv": "hej|hallå|god (?:morgon|dag|kväll)",
}
"""Patterns by the language's BCP 47 tag, without words that begin other sentences as often ("Liebe", "Gentile")."""
_GREETING = re.compile(rf"^\W*(?:{'|'.join(GREETINGS.values())})(?!\w)", re.IGNORECASE)


def begins_with_greeting(text: str) -> bool:
    """Return whether `text` begins with a greeting of any of these languages."""
    return _GREETING.match(text) is not None
