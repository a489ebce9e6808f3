"""Who is told: the file `notify.yaml`, and which alerts each receiver wants."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import msgspec
from standardwebhooks.webhooks import Webhook

from streams.config import secret
from streams.errors import ConfigError
from streams.records import Alert, Severity
from streams.sinks.webhook import WebhookReceiver, make_signer
from streams.yaml_files import read_yaml

__all__ = ["NotifyConfig", "read_receivers", "why_not"]

SEVERITIES: tuple[Severity, ...] = get_args(Severity)
"""From least to most urgent, as `records.Severity` lists them."""


class NotifyConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The file `notify.yaml`."""

    receivers: tuple[WebhookReceiver, ...] = ()


def read_receivers(path: Path) -> dict[str, tuple[WebhookReceiver, Webhook]]:
    """Read `notify.yaml` and the secrets that it names.

    Returns:
        Receiver and signer by receiver id, in the order of the file; empty if it names nobody.

    Raises:
        NotFoundError: there is no such file.
        ConfigError: it is wrong, or a secret is missing; names receiver and field.
    """
    config = read_yaml(path, NotifyConfig)
    ids = [receiver.id for receiver in config.receivers]
    if twice := next((each for each in ids if ids.count(each) > 1), ""):
        raise ConfigError(
            f"two receivers are called {twice!r}",
            file=str(path),
            field=f"receivers[{twice}].id",
            cure="rename one of them",
        )
    return {receiver.id: (receiver, _read_signer(path, receiver)) for receiver in config.receivers}


def _read_signer(path: Path, receiver: WebhookReceiver) -> Webhook:
    try:
        found = secret(receiver.secret_env)
    except ConfigError as error:  # knows the variable, but not who asked for it
        raise ConfigError(
            error.message,
            file=str(path),
            field=f"receivers[{receiver.id}].secret_env",
            cure=error.cure,
        ) from error
    return make_signer(receiver, found, file=str(path))


def why_not(alert: Alert, receiver: WebhookReceiver) -> str:
    """Why a receiver is not told of an alert that is due; empty if it is."""
    if receiver.routes and alert.route not in receiver.routes:
        return f"its route is {alert.route!r}" if alert.route else "its rule has no route"
    if SEVERITIES.index(alert.severity) < SEVERITIES.index(receiver.min_severity):
        return f"below {receiver.min_severity}"
    return ""
