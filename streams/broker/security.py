"""What secures the way to the broker: TLS, certificates and passwords.

It fails closed: credentials or certificates that the chosen protocol would not use are refused
instead of ignored, and a password never reaches a message or a log.
"""

from __future__ import annotations

import logging
import re
import ssl
from typing import Any

from streams.config import BrokerSettings
from streams.errors import ConfigError

__all__ = ["check_addresses", "security_options"]

_ADDRESS = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^\s:,\[\]/@]+):([1-9]\d{0,4})")
_PROTOCOLS = ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")
_MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")

# At level DEBUG aiokafka logs each request, and with mechanism PLAIN one of them is the password.
logging.getLogger("aiokafka.conn").addFilter(
    lambda entry: "SaslAuthenticate" not in entry.getMessage()
)


def check_addresses(bootstrap: str) -> None:
    """Refuse what is not `host:port[,host:port]`.

    Raises:
        ConfigError: one of the addresses has no host, no port, or an unusable one.
    """
    for address in bootstrap.split(","):
        match = _ADDRESS.fullmatch(address.strip())
        if match is None or int(match[2]) > 65_535:
            raise ConfigError(
                f"{address.strip()!r} is not a broker address",
                field="broker",
                cure="write host:port, and several with commas between them",
            )


def security_options(broker: BrokerSettings) -> dict[str, Any]:
    """Keyword arguments by which every aiokafka client secures its connections.

    Raises:
        ConfigError: a setting is unusable, or contradicts the security protocol.
    """
    _check_protocol(broker)
    options: dict[str, Any] = {"security_protocol": broker.security_protocol}
    if broker.security_protocol.startswith("SASL"):
        _check_credentials(broker)
        options |= {
            "sasl_mechanism": broker.sasl_mechanism,
            "sasl_plain_username": broker.sasl_username,
            "sasl_plain_password": broker.sasl_password,
        }
    if broker.security_protocol.endswith("SSL"):
        options["ssl_context"] = _ssl_context(broker)
    return options


def _check_protocol(broker: BrokerSettings) -> None:
    """Refuse protocols nobody named, and settings that the named one would silently ignore."""
    protocol = broker.security_protocol
    if protocol not in _PROTOCOLS:
        raise ConfigError(
            f"{protocol!r} is unknown",
            field="WIREWATCH_SECURITY_PROTOCOL",
            cure=f"use one of {', '.join(_PROTOCOLS)}",
        )
    if (broker.sasl_username or broker.sasl_password) and not protocol.startswith("SASL"):
        raise ConfigError(
            f"a SASL user or password is given, but {protocol} would connect without it",
            field="WIREWATCH_SECURITY_PROTOCOL",
            cure="set it to SASL_SSL, or remove WIREWATCH_SASL_USERNAME and its password",
        )
    certificates = broker.ssl_ca_file or broker.ssl_cert_file or broker.ssl_key_file
    if certificates and not protocol.endswith("SSL"):
        raise ConfigError(
            f"certificates are given, but {protocol} would connect in the clear",
            field="WIREWATCH_SECURITY_PROTOCOL",
            cure="set it to SSL or SASL_SSL, or remove the WIREWATCH_SSL_… settings",
        )


def _check_credentials(broker: BrokerSettings) -> None:
    if broker.sasl_mechanism not in _MECHANISMS:
        raise ConfigError(
            f"{broker.sasl_mechanism!r} is unknown",
            field="WIREWATCH_SASL_MECHANISM",
            cure=f"use one of {', '.join(_MECHANISMS)}",
        )
    if not (broker.sasl_username and broker.sasl_password):
        raise ConfigError(
            f"{broker.security_protocol} needs a user and a password",
            field="WIREWATCH_SASL_USERNAME",
            cure="set it, and WIREWATCH_SASL_PASSWORD or WIREWATCH_SASL_PASSWORD_FILE",
        )


def _ssl_context(broker: BrokerSettings) -> ssl.SSLContext:
    """TLS that checks the broker's certificate and name, with our own certificate if given."""
    if broker.ssl_key_file and not broker.ssl_cert_file:
        raise ConfigError(
            "a key is given without its certificate",
            field="WIREWATCH_SSL_CERT_FILE",
            cure="name the certificate too",
        )
    try:
        context = ssl.create_default_context(cafile=broker.ssl_ca_file or None)
    except OSError as error:  # ssl.SSLError is one, too
        raise _unusable(broker.ssl_ca_file, "WIREWATCH_SSL_CA_FILE", error) from error
    if broker.ssl_cert_file:
        try:
            # An empty password makes an encrypted key fail here; None would ask on the terminal.
            context.load_cert_chain(broker.ssl_cert_file, broker.ssl_key_file or None, password="")
        except OSError as error:
            raise _unusable(broker.ssl_cert_file, "WIREWATCH_SSL_CERT_FILE", error) from error
    return context


def _unusable(file: str, field: str, error: OSError) -> ConfigError:
    return ConfigError(
        f"cannot be used: {error.strerror or error}",
        file=file,
        field=field,
        cure="name readable PEM files without a pass phrase; the key must belong to the certificate",
    )
