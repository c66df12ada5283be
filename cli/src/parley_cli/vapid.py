"""The key with which Web Push is signed: made once, and kept, as browsers subscribe to it."""

import os
from pathlib import Path

from notifier.vapid import InvalidKey, Key
from parley_cli.failures import Failed


def made() -> Key:
    """A new one, kept by whoever asked."""
    return Key.new()


def kept(file: Path) -> Key:
    """The key in the file, which is made if it does not exist; it is never replaced. Raise `Failed`."""
    try:
        return Key.load(file.read_bytes())
    except InvalidKey:
        raise Failed(f"{file} is not a private key of P-256 as PEM; it is left as it is") from None
    except FileNotFoundError:
        return _written(file, Key.new())
    except OSError as error:
        raise Failed(f"{file} cannot be read: {error.strerror}") from error


def _written(file: Path, key: Key) -> Key:
    """For nobody else to read."""
    try:
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
            stream.write(key.pem)
    except OSError as error:
        raise Failed(f"{file} cannot be written: {error.strerror}") from error
    return key
