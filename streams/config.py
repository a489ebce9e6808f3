"""Settings from the environment.

The only module that reads the environment and the clock.
"""

from __future__ import annotations

import hashlib
import os
import re
import socket
import time
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from streams.errors import ConfigError

__all__ = [
    "BrokerSettings",
    "Settings",
    "default_config_folder",
    "environment",
    "instance_name",
    "is_supervised",
    "limit_math_threads",
    "parse_duration",
    "plain_arrow_memory",
    "seconds_awake_or_not",
    "secret",
    "set_health_port",
    "set_log_level",
    "utc_now",
]


_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def seconds_awake_or_not() -> float:
    """Seconds of a clock that runs on while the machine is suspended, as Linux's monotonic one
    does not: a laptop that was closed has lost its place in its groups.
    """
    return time.clock_gettime(_CLOCK)


def utc_now() -> datetime:
    """Read the clock. Only edges call this; decisions are handed the result."""
    return datetime.now(UTC)


class BrokerSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How to reach Kafka. Passwords come from the environment or a file, never from a flag."""

    bootstrap: str = ""
    """`host:port[,host:port]`; empty means the embedded broker."""
    security_protocol: str = "PLAINTEXT"
    """PLAINTEXT, SSL, SASL_SSL, or SASL_PLAINTEXT, which must be asked for by name."""
    sasl_mechanism: str = "SCRAM-SHA-512"
    """PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512."""
    sasl_username: str = ""
    sasl_password: str = ""
    ssl_ca_file: str = ""
    """PEM; empty means the system's authorities."""
    ssl_cert_file: str = ""
    """PEM certificate of this client, for mutual TLS."""
    ssl_key_file: str = ""

    def __repr__(self) -> str:
        """Never show the password."""
        return f"BrokerSettings({self.bootstrap!r}, {self.security_protocol})"


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What a process needs to know; made once, at the edge, by `Settings.from_environment`."""

    broker: BrokerSettings = BrokerSettings()
    data_folder: Path = Path(".wirewatch")
    """Holds the embedded broker's data and its address; nothing that Kafka cannot rebuild."""
    config_folder: Path = Path()
    """Holds feeds.yaml, watchlist.yaml, rules.yaml and the folder policy/."""
    partitions: int = 8
    replication: int = 1
    pool_processes: int = 1
    """Processes that enrich, per worker."""
    instance: str = ""
    """Name of this worker within its consumer groups, unique and the same after a restart: with it
    a restarted worker takes up its partitions at once. Empty: the broker names the worker anew
    each time, and waits for the old one's session to end after a crash."""
    models: dict[str, str] = {}
    """Language to the name of an installed spaCy pipeline, beside the built-in ones."""
    semantics: str = "auto"
    """Second opinion on policy topics by meaning: auto (where `wirewatch[semantic]` is installed),
    on, off."""
    log_level: str = "INFO"
    log_format: str = "auto"
    """text, json, or auto: text on a terminal."""
    user_agent: str = "Wirewatch/0.1 (+https://pypi.org/project/wirewatch/)"
    allow_private: tuple[str, ...] = ()
    """CIDR ranges beside the public internet that feeds may be fetched from."""
    websub_url: str = ""
    """Public address under which hubs reach this poller; "" switches WebSub off. With several
    pollers each has its own."""
    websub_listen: str = "127.0.0.1:8610"
    """Where hubs' requests to `websub_url` arrive on this machine, behind a proxy with TLS."""
    health_port: int = 0
    """Where this process serves /livez, /readyz and /metrics; 0 for nowhere. `up` and `worker` give
    their processes this one and those that follow."""
    health_host: str = "127.0.0.1"
    """Any but a loopback address needs WIREWATCH_HEALTH_TOKEN."""
    traces_url: str = ""
    """Where traces are posted, as OTLP over HTTP; "" switches them off. It may hold a password."""

    @staticmethod
    def from_environment(env: dict[str, str] | None = None) -> Settings:
        """Read `WIREWATCH_*` variables; `WIREWATCH_SASL_PASSWORD_FILE` names a file instead.

        Raises:
            ConfigError: a variable has an unusable value.
        """
        env = dict(os.environ) if env is None else env

        def text(name: str, default: str = "") -> str:
            return env.get(f"WIREWATCH_{name}", default)

        def number(name: str, default: int) -> int:
            raw = text(name, str(default))
            if not raw.isdigit() or int(raw) < 1:
                raise ConfigError(
                    f"WIREWATCH_{name} is {raw!r}", cure="give a whole number of at least 1"
                )
            return int(raw)

        broker = BrokerSettings(
            bootstrap=text("BROKER"),
            security_protocol=text("SECURITY_PROTOCOL", "PLAINTEXT").upper(),
            sasl_mechanism=text("SASL_MECHANISM", "SCRAM-SHA-512").upper(),
            sasl_username=text("SASL_USERNAME"),
            sasl_password=_secret(env, "WIREWATCH_SASL_PASSWORD"),
            ssl_ca_file=text("SSL_CA_FILE"),
            ssl_cert_file=text("SSL_CERT_FILE"),
            ssl_key_file=text("SSL_KEY_FILE"),
        )
        folder = text("CONFIG")
        return Settings(
            broker=broker,
            data_folder=Path(text("DATA", ".wirewatch")),
            config_folder=Path(folder) if folder else default_config_folder(),
            partitions=number("PARTITIONS", 8),
            replication=number("REPLICATION", 1),
            pool_processes=number("POOL_PROCESSES", 1),
            instance=text("INSTANCE"),
            models={
                name.removeprefix("WIREWATCH_MODEL_").lower(): value
                for name, value in env.items()
                if name.startswith("WIREWATCH_MODEL_") and value
            },
            semantics=_choice("SEMANTICS", text("SEMANTICS", "auto"), ("auto", "on", "off")),
            log_level=text("LOG_LEVEL", "INFO").upper(),
            log_format=text("LOG_FORMAT", "auto"),
            user_agent=text("USER_AGENT") or Settings().user_agent,
            allow_private=tuple(part for part in text("ALLOW_PRIVATE").split(",") if part),
            websub_url=text("WEBSUB_URL"),
            websub_listen=text("WEBSUB_LISTEN") or Settings().websub_listen,
            health_port=_port(env.get("WIREWATCH_HEALTH_PORT", "")),
            health_host=text("HEALTH_HOST") or Settings().health_host,
            traces_url=_traces_url(env),
        )


def secret(name: str) -> str:
    """Read a secret from the variable `name`, or from the file that `name_FILE` names."""
    return _secret(dict(os.environ), name)


def is_supervised() -> bool:
    """Whether `wirewatch up` or `wirewatch worker` started this process."""
    return bool(os.environ.get("WIREWATCH_SUPERVISED"))


def environment(changes: dict[str, str]) -> dict[str, str]:
    """This process's variables with changes, for a child process."""
    return {**os.environ, **changes}


def plain_arrow_memory() -> None:
    """Let Arrow take its memory from the C library, unless the environment says otherwise.

    Its own allocator, mimalloc, takes a quarter more for the archive's batches, and some per cent more in an hour.
    """
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")


def limit_math_threads() -> None:
    """Let NumPy use one thread in child processes, unless the user chose otherwise.

    The matrices of a small spaCy model are too small to share: with OpenBLAS's default of all
    cores an English item took 13 ms of CPU on two idle cores and 46 ms on busy ones, with one
    thread 8 ms either way (`make bench`).
    """
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(name, "1")


def set_log_level(level: str) -> None:
    """Make a log level given by flag count for this process and its children."""
    os.environ["WIREWATCH_LOG_LEVEL"] = level


def set_health_port(port: int) -> None:
    """Make a port given by flag count for this process."""
    os.environ["WIREWATCH_HEALTH_PORT"] = str(port)


def instance_name(data_folder: Path) -> str:
    """Name of a worker that runs once per machine and data folder."""
    place = f"{socket.gethostname()}:{data_folder.resolve()}"
    return f"{socket.gethostname()}-{hashlib.blake2b(place.encode(), digest_size=4).hexdigest()}"


def _choice(name: str, value: str, choices: tuple[str, ...]) -> str:
    if value not in choices:
        raise ConfigError(f"WIREWATCH_{name} is {value!r}", cure=f"use {', '.join(choices)}")
    return value


def _port(raw: str) -> int:
    if not raw:
        return 0
    if not (raw.isascii() and raw.isdigit()) or int(raw) > 65_535:
        raise ConfigError(f"WIREWATCH_HEALTH_PORT is {raw!r}", cure="give a port, or 0 for none")
    return int(raw)


def _traces_url(env: dict[str, str]) -> str:
    """Where traces go: by our own variable, else by those that OpenTelemetry has for all programs."""
    ours = "WIREWATCH_OTLP_ENDPOINT"
    for name, path in (
        (ours, "/v1/traces"),
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", ""),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "/v1/traces"),
    ):
        url = env.get(name, "")
        if url.startswith(("http://", "https://")):
            return url.rstrip("/") + path if path else url
        if url and name == ours:  # the others may be meant for programs that speak gRPC
            raise ConfigError(f"{name} is no URL", cure="give one such as http://127.0.0.1:4318")
    return ""


def _secret(env: dict[str, str], name: str) -> str:
    file = env.get(f"{name}_FILE", "")
    if not file:
        return env.get(name, "")
    try:
        return Path(file).read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"{name}_FILE cannot be read: {error.__class__.__name__}",
            file=file,
            cure="name a readable text file",
        ) from error


def default_config_folder() -> Path:
    """The starter files: inside the installed package, or in the checkout it runs from."""
    packaged = Path(__file__).parent / "starter"
    return packaged if packaged.is_dir() else Path(__file__).parent.parent / "deploy" / "config"


_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(s|m|h|d|w)")
_LONGEST_SECONDS = 10 * 366 * 86_400
_UNIT_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}


def parse_duration(text: str) -> int:
    """Turn "90s", "15m", "6h", "7d", "2w" into seconds.

    Raises:
        ValueError: the text is not a duration of at least one second and at most ten years.
    """
    match = _DURATION.fullmatch(text.strip())
    seconds = int(float(match[1]) * _UNIT_SECONDS[match[2]]) if match else 0
    if not 1 <= seconds <= _LONGEST_SECONDS:
        raise ValueError(f"{text!r} is not a duration such as 90s, 15m, 6h or 7d")
    return seconds
