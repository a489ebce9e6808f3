"""What lives and what is ready, and the server that says so while the process is busy."""

import asyncio
import inspect
import json
import re
import time
from datetime import UTC, datetime
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
import yaml
from prometheus_client import REGISTRY

from streams import health_server, metrics
from streams.agents.alerts import SUPPRESSED_BY
from streams.agents.watchdog import Awake, Watchdog
from streams.alerts import storm, suppress
from streams.config import Settings
from streams.errors import ConfigError
from streams.health import NEEDS, Health, Pulse, stands_still, why_not_ready
from streams.health_server import serving_health
from streams.supervise import Child, with_health_ports
from tests.brokers import free_port

NOW = 1_800_000_000.0
RULES = Path(__file__).parents[1] / "deploy" / "prometheus" / "alerts.yaml"


@pytest.mark.parametrize(
    ("needs", "found", "missing"),
    [
        ((), {}, {}),
        (("models",), {"models": ""}, {}),
        (("models",), {}, {"models": "not yet: the process is starting"}),
        (("models", "broker"), {"models": "", "broker": "gone"}, {"broker": "gone"}),
        (("models",), {"models": "", "producer": "it waits"}, {}),
        (("a", "b"), {"b": "2", "a": "1"}, {"a": "1", "b": "2"}),
    ],
)
def test_a_process_is_ready_when_all_that_it_needs_is_there(needs, found, missing):
    assert why_not_ready(needs, found) == missing


@pytest.mark.parametrize(
    ("loop", "in_flight", "told"),
    [
        (0, 0, ""),
        (10, 10, ""),
        (10.5, 0, "the event loop has not turned for"),
        (0, 11, "a record in flight has not got on for 11 s"),
        (11, 11, "the event loop has not turned for 11 s"),
    ],
)
def test_what_stands_still_for_too_long(loop, in_flight, told):
    assert stands_still(loop, in_flight, 10).startswith(told)
    assert bool(stands_still(loop, in_flight, 10)) == bool(told)


def test_a_check_that_fails_is_a_reason_and_no_error():
    health = Health()
    health.needs = ("assigned",)

    def changed():
        raise RuntimeError("dictionary changed size during iteration")

    health.report("assigned", changed)
    assert "cannot be told" in health.missing()["assigned"]
    health.report("assigned")
    assert health.missing() == {}


def test_livez_says_what_the_watchdog_says():
    watchdog, health = Watchdog(lambda: 200.0, Awake(27)), Health()
    health.live_by(watchdog.stuck)
    assert health.stuck() == watchdog.stuck() == "a record in flight has not got on for 200 s"


async def test_a_loop_that_is_blocked_is_told_and_one_that_is_not_watched_is_not():
    pulse = Pulse(0.05)
    assert pulse.still_seconds() == 0
    pulse.start(asyncio.get_running_loop())
    time.sleep(0.3)  # noqa: ASYNC251 - that is the point
    assert pulse.still_seconds() >= 0.3
    await asyncio.sleep(0.1)
    assert pulse.still_seconds() < 0.3
    pulse.stop()
    await asyncio.sleep(0.1)
    assert pulse.still_seconds() == 0


def test_children_get_ports_in_their_order():
    children = [Child("poll", ("poll",)), Child("desk", ("desk",))]
    assert with_health_ports(children, 0) == children
    assert [child.health_port for child in with_health_ports(children, 9100)] == [9100, 9101]


@pytest.mark.parametrize("port", ["-1", "65536", "tcp://10.0.0.1:80", "²"])
def test_a_port_that_is_none_is_told(port):
    with pytest.raises(ConfigError, match="WIREWATCH_HEALTH_PORT"):
        Settings.from_environment({"WIREWATCH_HEALTH_PORT": port})


def test_the_alerting_rules_ask_for_metrics_that_there_are():
    rules = yaml.safe_load(RULES.read_text())["groups"][0]["rules"]
    asked = {name for rule in rules for name in re.findall(r"news_\w+", rule["expr"])}
    served = {sample.name for metric in REGISTRY.collect() for sample in metric.samples}
    families = {metric.name for metric in REGISTRY.collect()}
    known = served | families | {f"{name}_total" for name in families}
    assert asked
    assert asked <= known
    assert all({"summary", "runbook"} == set(rule["annotations"]) for rule in rules)


@pytest.mark.parametrize(
    ("timestamps", "age"),
    [([NOW - 5], 5), ([NOW - 5, NOW - 90], 5), ([NOW - 90, NOW - 5], 5), ([NOW + 900, NOW - 7], 0)],
)
def test_a_watermark_is_the_age_of_the_newest_record(monkeypatch, timestamps, age):
    def served():
        return REGISTRY.get_sample_value("news_watermark_lag_seconds", {"stage": stage})

    stage = f"stage {timestamps}"
    monkeypatch.setattr(metrics, "utc_now", lambda: datetime.fromtimestamp(NOW, UTC))
    watermark = metrics.Watermark(stage)
    assert served() is None  # not as old as 1970
    for timestamp in timestamps:
        watermark.reach(timestamp)
    assert served() == age
    monkeypatch.setattr(metrics, "utc_now", lambda: datetime.fromtimestamp(NOW + 60, UTC))
    assert served() == age + 60


def test_every_reason_that_holds_alerts_back_has_a_word_for_its_metric():
    written = re.findall(r'f?"(\w+): ', inspect.getsource(suppress) + inspect.getsource(storm))
    assert {word for word in written if word.islower()} == SUPPRESSED_BY


def test_labels_are_few_and_name_nobody():
    labels = {
        name for metric in vars(metrics).values() for name in getattr(metric, "_labelnames", ())
    }
    assert labels == {
        "error", "group", "health", "kind", "outcome", "partition", "phase", "reason", "receiver", "rule",
        "severity", "stage", "state", "topic",
    }  # fmt: skip


# --- the server --------------------------------------------------------------------------------


@pytest.fixture
def health(monkeypatch):
    health = Health()
    monkeypatch.setattr(health_server, "HEALTH", health)
    return health


@pytest.fixture
def settings():
    return Settings(health_port=free_port())


def ask(settings, path, **headers):
    """Status and body; blocks, and with it any event loop of this thread."""
    request = Request(f"http://127.0.0.1:{settings.health_port}{path}", headers=headers)
    try:
        with urlopen(request, timeout=5) as answer:
            return answer.status, answer.read().decode()
    except HTTPError as error:
        return error.code, error.read().decode()


async def test_it_answers_while_the_loop_of_the_process_does_not_turn(health, settings):
    with serving_health("poll", settings):
        assert ask(settings, "/livez") == (200, '{"status":"ok"}')
        status, body = ask(settings, "/readyz")
        assert status == 503
        assert set(json.loads(body)["missing"]) == {"broker", "assigned", "producer"}
        for name in NEEDS["poll"]:
            health.report(name)
        assert ask(settings, "/readyz") == (200, '{"status":"ready"}')
        health.report("broker", lambda: "no answer for 31 s")
        assert json.loads(ask(settings, "/readyz")[1])["missing"] == {
            "broker": "no answer for 31 s"
        }
        status, body = ask(settings, "/metrics")
        assert status == 200
        assert "# TYPE news_consumer_lag_seconds gauge" in body
        health.live_by(lambda: "the event loop has not turned for 200 s")
        status, body = ask(settings, "/livez")
        assert (status, json.loads(body)["status"]) == (503, "stuck")
        assert ask(settings, "/")[0] == 404
    with pytest.raises(OSError, match="refused"):
        ask(settings, "/livez")


def test_on_loopback_a_foreign_name_is_refused(health, settings):
    with serving_health("poll", settings):
        assert ask(settings, "/metrics", Host="attacker.example")[0] == 421


def test_a_token_guards_every_path_when_one_is_set(health, settings, monkeypatch):
    token = "0123456789abcdef"
    monkeypatch.setenv("WIREWATCH_HEALTH_TOKEN", token)
    with serving_health("poll", settings):
        for path in ("/livez", "/readyz", "/metrics", "/login", "/nothing"):
            assert ask(settings, path, Accept="text/html")[0] == 401
        assert ask(settings, "/livez", Authorization=f"Bearer {token}")[0] == 200


def test_beyond_loopback_a_token_is_needed(health):
    with (
        pytest.raises(ConfigError, match="set WIREWATCH_HEALTH_TOKEN"),
        serving_health("poll", Settings(health_port=free_port(), health_host="0.0.0.0")),
    ):
        pass


def test_a_port_that_is_taken_is_told(health, settings):
    with (
        serving_health("poll", settings),
        pytest.raises(ConfigError, match="another --health-port"),
        serving_health("desk", settings),
    ):
        pass


def test_without_a_port_nothing_is_served(health):
    with serving_health("poll", Settings()):
        assert health.needs == ()
