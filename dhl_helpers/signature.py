"""Whose pipeline is it: a signature with a key that lies in the user's own data folder.

Checksums find damage, not a forger, who writes new ones. The key is made at the first signature and never leaves the
folder, so only this user on this machine (or with a copy of the key) can sign.
"""

import hashlib
import hmac
import os
import secrets
from contextlib import suppress
from pathlib import Path

import platformdirs

SIZE = 32  # bytes


def key_file():
    """Path: where the key lies, in the user's data folder or in what the environment variable DHL_DATA says."""
    return Path(os.environ.get("DHL_DATA") or platformdirs.user_data_dir("dhl_helpers")) / "signing-key"


def sign(text):
    """The signature of a text; the key is made where there is none.

    Parameters
    ----------
    text : str

    Returns
    -------
    str
        Empty where no key can be kept, for example in a folder that cannot be written.
    """
    with suppress(OSError):
        file = key_file()
        if not file.exists():
            _make(file)
        return _signature(file.read_bytes(), text)
    return ""


def is_own(text, signature):
    """bool: whether `sign` made this signature of the text, with the key that is here."""
    try:
        expected = _signature(key_file().read_bytes(), text)
    except OSError:
        return False
    return bool(expected) and hmac.compare_digest(expected.encode(), str(signature).encode())


def _make(file):
    """A key that only this user can read, put in place whole; the first of two processes wins."""
    file.parent.mkdir(parents=True, exist_ok=True)
    unfinished = file.with_name(f".{file.name}-{secrets.token_hex(8)}")
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as new:
        new.write(secrets.token_bytes(SIZE))
    try:
        with suppress(FileExistsError):
            os.link(unfinished, file)
    finally:
        unfinished.unlink()


def _signature(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest() if len(key) == SIZE else ""
