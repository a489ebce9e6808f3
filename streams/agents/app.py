"""One Faust app per stage, with the settings that lose nothing.

Every stage is a consumer group of its own, so that `worker --only enrich` scales one stage
without the groups of mixed subscriptions that Faust's assignor cannot balance.
"""

from __future__ import annotations

from typing import Any

import faust
from faust.types.auth import CredentialsT

from streams.broker.clients import client_options
from streams.broker.topics import DEAD_LETTER_BYTES, TOPICS
from streams.config import Settings
from streams.health import STILL_SECONDS

__all__ = ["GROUP_PREFIX", "HEARTBEAT_SECONDS", "SESSION_SECONDS", "make_app", "raw_topic"]

GROUP_PREFIX = "wirewatch-"
SESSION_SECONDS = 30.0
"""How long a group waits for a member that is silent, before it gives its partitions to others."""
HEARTBEAT_SECONDS = 3.0

_RAW: dict[str, Any] = {
    "key_type": bytes,
    "key_serializer": "raw",
    "value_type": bytes,
    "value_serializer": "raw",
}


def make_app(stage: str, settings: Settings) -> faust.App:
    """Make the app of a stage: consumer group `wirewatch-<stage>`.

    Args:
        stage: enrich, stories or alerts.
        settings: `broker.bootstrap` must be set.
    """
    brokers = ";".join(f"kafka://{host}" for host in settings.broker.bootstrap.split(","))
    return faust.App(
        GROUP_PREFIX + stage,
        broker=brokers,
        broker_credentials=_credentials(settings),
        topic_partitions=settings.partitions,
        topic_allow_declare=False,  # `wirewatch topics apply` makes topics, with their policies
        topic_disable_leader=True,
        datadir=str(settings.data_folder),  # Faust wants one; without tables it stays unused
        autodiscover=False,
        # A failing agent crashes the process instead of going on behind the failed record.
        agent_supervisor="mode.CrashingSupervisor",
        processing_guarantee="at_least_once",
        consumer_auto_offset_reset="earliest",
        consumer_group_instance_id=settings.instance or None,
        broker_commit_interval=1.0,  # bounds what is processed twice after a crash
        broker_session_timeout=SESSION_SECONDS,
        broker_heartbeat_interval=HEARTBEAT_SECONDS,
        broker_request_timeout=60.0,
        # For so long the others wait for a member's batch before they share out without it. A batch may have days
        # to read again; with less, two workers could throw each other out of their reading for ever. Who is stuck
        # has ended by then. Who was killed or stands still is missed after the session, whatever this says. When it
        # takes longer than a request, aiokafka asks again, and keeps its place.
        broker_rebalance_timeout=STILL_SECONDS,
        # Faust leaves the group for good when an idle worker exceeds it; checked by clients only.
        broker_max_poll_interval=10.0**6,
        broker_max_poll_records=500,
        stream_buffer_maxsize=1024,
        stream_wait_empty=True,
        table_standby_replicas=0,
        producer_acks=-1,
        producer_linger=0.005,
        producer_compression_type="gzip",
        producer_max_request_size=DEAD_LETTER_BYTES,  # outputs are held to less by the pipeline
        producer_request_timeout=30.0,
        web_enabled=False,
        web_bind="127.0.0.1",
        web_tables_enabled=False,
        web_router_enabled=False,
        worker_redirect_stdouts=False,
    )


def raw_topic(app: faust.App, *names: str) -> Any:
    """Topics of the table as Faust sees them: bytes in, bytes out, never declared by Faust."""
    if strangers := [name for name in names if name not in TOPICS]:
        raise KeyError(f"{strangers[0]} is not in streams.broker.topics")
    return app.topic(*names, internal=False, **_RAW)


def _credentials(settings: Settings) -> CredentialsT | None:
    """Faust's form of the security settings; None for plain text."""
    broker = settings.broker
    if broker.security_protocol == "PLAINTEXT":
        return None
    context = client_options(settings).get("ssl_context")
    if broker.security_protocol == "SSL":
        return faust.SSLCredentials(context)
    return faust.SASLCredentials(
        username=broker.sasl_username,
        password=broker.sasl_password,
        mechanism=broker.sasl_mechanism,
        ssl_context=context,
    )
