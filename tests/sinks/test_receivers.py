from __future__ import annotations

import re
from pathlib import Path

import pytest
from standardwebhooks.webhooks import Webhook

from streams.alerts.decide import decide
from streams.errors import ConfigError, NotFoundError
from streams.sinks.receivers import read_receivers, why_not
from streams.sinks.webhook import WebhookReceiver
from streams.testing import NOW, make_mention, make_rule
from tests.desk.samples import make_alert

SECRET = "whsec_c2VsZi13cml0dGVuIHNlY3JldCBmb3IgdGVzdHM="


# --- who is told ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "options", "reason"),
    [
        ({}, {}, ""),
        ({"severity": "urgent"}, {"min_severity": "urgent"}, ""),
        ({"severity": "flash"}, {"min_severity": "urgent"}, ""),
        ({"severity": "alert"}, {"min_severity": "urgent"}, "below urgent"),
        ({"notify": False}, {}, ""),  # it tells the newest revision, whichever asked for it
        ({"route": "night"}, {}, ""),
        ({"route": "night"}, {"routes": ("policy", "night")}, ""),
        ({"route": "night"}, {"routes": ("policy",)}, "its route is 'night'"),
        ({}, {"routes": ("policy",)}, "its rule has no route"),
    ],
)
def test_who_is_told(changes, options, reason):
    receiver = WebhookReceiver(id="desk", url="", secret_env="DESK_SECRET", **options)
    assert why_not(make_alert(**changes), receiver) == reason


def test_an_alert_has_the_route_of_its_rule_as_it_is_now():
    rule, edited = make_rule(route="policy"), make_rule(route="night", version=2)
    first = decide(None, rule, make_mention(), NOW).alert
    assert first
    assert first.route == "policy"
    second = decide(first, edited, make_mention(number=2), NOW).alert
    assert second
    assert second.route == "night"


# --- the file ---------------------------------------------------------------------------------------

GOOD = """
receivers:
  - id: desk
    kind: webhook
    url: https://hooks.example/wirewatch
    secret_env: DESK_SECRET
    min_severity: urgent
    routes: [policy-desk, night]
    max_per_hour: 20
"""


def test_reading_receivers(tmp_path, monkeypatch):
    monkeypatch.setenv("DESK_SECRET", SECRET)
    path = tmp_path / "notify.yaml"
    path.write_text(GOOD)
    [(found, signer)] = read_receivers(path).values()
    assert found.min_severity == "urgent"
    assert found.routes == ("policy-desk", "night")
    assert found.max_per_hour == 20
    assert not found.allow_private
    assert isinstance(signer, Webhook)


@pytest.mark.parametrize(
    ("text", "place", "told"),
    [
        (GOOD.replace("min_severity", "minseverity"), ":7: receivers[0]", "did you mean 'min_sev"),
        (GOOD.replace("urgent", "loud"), ":7: receivers[0].min_severity", "loud"),
        (GOOD.replace("20", "0"), ":9: receivers[0].max_per_hour", "0"),
        (GOOD.replace("night", '""'), ":8: receivers[0].routes[1]", "length"),
        (GOOD.replace("DESK_SECRET", "MISSING"), ": receivers[desk].secret_env", "MISSING is not set"),
        (GOOD.replace("DESK_SECRET", "WRONG"), ": receivers[desk].secret_env", "WRONG does not hold"),
        (GOOD.replace("DESK_SECRET", "LOST"), ": receivers[desk].secret_env", "LOST_FILE cannot be"),
        (GOOD.replace("https", "ftp"), ": receivers[desk].url", "ftp"),
        (GOOD + GOOD.split("receivers:")[1], ": receivers[desk].id", "two receivers"),
    ],
)  # fmt: skip
def test_a_wrong_file_is_explained(tmp_path, monkeypatch, text, place, told):
    monkeypatch.setenv("DESK_SECRET", SECRET)
    monkeypatch.setenv("WRONG", "wört")
    monkeypatch.setenv("LOST_FILE", str(tmp_path / "lost"))
    path = tmp_path / "notify.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=told) as caught:
        read_receivers(path)
    assert str(caught.value).startswith(f"{path}{place}: ")
    assert caught.value.cure
    assert "wört" not in str(caught.value)


def test_the_sample_file_is_valid_once_its_comments_are_followed(tmp_path, monkeypatch):
    sample = Path(__file__).parents[2] / "deploy" / "config" / "notify.yaml"
    _, _, commented = sample.read_text("utf-8").partition("Replace the line above by:\n#\n")
    path = tmp_path / "notify.yaml"
    path.write_text(re.sub(r"^# ", "", commented, flags=re.MULTILINE))
    monkeypatch.setenv("POLICY_DESK_SECRET", SECRET)
    assert list(read_receivers(path)) == ["policy-desk"]
    assert read_receivers(sample) == {}


def test_a_missing_file(tmp_path):
    with pytest.raises(NotFoundError):
        read_receivers(tmp_path / "notify.yaml")
