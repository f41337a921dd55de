"""How every client here speaks TLS: 1.2 at least, whatever this machine's OpenSSL would allow.

Python built for Debian leaves the versions to OpenSSL, which goes down to 1.0 and then refuses
signatures, with words that name no version.
"""

import ssl


def client_context(cafile: str = "", cadata: str = "") -> ssl.SSLContext:
    """Return a context that trusts a CA (file, or PEM text), or else those of the system.

    Raises OSError, ssl.SSLError.
    """
    context = ssl.create_default_context(cafile=cafile or None, cadata=cadata or None)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context
