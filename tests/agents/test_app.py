"""The settings on which it depends that Faust loses nothing and opens no door."""

import pytest
from mode.supervisors import CrashingSupervisor

from streams.agents.app import make_app
from streams.agents.worker import STAGES
from streams.config import BrokerSettings, Settings
from streams.errors import ConfigError
from streams.health import STILL_SECONDS


def app_for(stage, folder, **broker):
    address = BrokerSettings(bootstrap="127.0.0.1:1", **broker)
    return make_app(stage, Settings(broker=address, data_folder=folder))


@pytest.mark.parametrize("stage", STAGES)
def test_a_failing_agent_crashes_its_process_and_there_is_no_web_server(stage, tmp_path):
    """Faust's own, without a password on all interfaces, would show tables at /table and more at /router."""
    conf = app_for(stage, tmp_path).conf
    assert conf.id == f"wirewatch-{stage}"
    assert conf.agent_supervisor is CrashingSupervisor
    assert (conf.web_enabled, conf.web_tables_enabled, conf.web_router_enabled) == (False,) * 3
    assert conf.web_bind == "127.0.0.1"
    assert not conf.topic_allow_declare
    assert (conf.consumer_auto_offset_reset, conf.producer_acks) == ("earliest", -1)


@pytest.mark.parametrize("stage", STAGES)
def test_a_group_waits_for_a_batch_as_long_as_the_watchdog_but_not_for_who_is_silent(
    stage, tmp_path
):
    """Else two workers with much to read again throw each other out of it for ever."""
    conf = app_for(stage, tmp_path).conf
    assert conf.broker_rebalance_timeout >= STILL_SECONDS
    assert conf.broker_rebalance_timeout < 300, "Kafka gives up newcomers that wait for so long"
    assert conf.broker_session_timeout == 30


def test_the_password_of_the_broker_goes_over_tls_or_where_somebody_asked_for_it(tmp_path):
    """Faust by itself falls back to the clear where it has no TLS context."""
    login = {"sasl_username": "ada", "sasl_password": "only-for-the-broker"}

    def protocol(name):
        app = app_for("enrich", tmp_path, security_protocol=name, **login)
        return app.conf.broker_credentials.protocol.name

    assert protocol("SASL_SSL") == "SASL_SSL"
    assert protocol("SASL_PLAINTEXT") == "SASL_PLAINTEXT"
    with pytest.raises(ConfigError, match="would connect without it"):
        protocol("SSL")
