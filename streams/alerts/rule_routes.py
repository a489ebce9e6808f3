"""Which routes lead to somebody: of notify.yaml only what rules need to know.

Read without its secrets and whatever else a receiver has, so that rules can be checked where nobody is told.
"""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct

from streams.yaml_files import read_yaml

__all__ = ["read_routes"]


class _Receiver(Struct, frozen=True):
    routes: tuple[str, ...] = ()


class _Receivers(Struct, frozen=True):
    receivers: tuple[_Receiver, ...] = ()


def read_routes(path: Path) -> frozenset[str] | None:
    """Read which routes the receivers of a notify.yaml listen to.

    Returns:
        None if a rule needs no route: there is no such file, it names nobody, or a receiver listens to all.

    Raises:
        ConfigError: it is not YAML, or a receiver's routes are no list of texts.
    """
    if not path.exists():
        return None
    receivers = read_yaml(path, _Receivers).receivers
    if not all(receiver.routes for receiver in receivers):
        return None
    return frozenset(route for receiver in receivers for route in receiver.routes) or None
