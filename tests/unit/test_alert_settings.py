"""Settings of the alerts: what would send secrets in clear text, or cannot send at all, is named and refused."""

import pytest
from pydantic import ValidationError

from service.settings import Settings


def fault(monkeypatch: pytest.MonkeyPatch, **settings: str) -> tuple[str, str]:
    """Which setting is wrong, and why."""
    for name, value in settings.items():
        monkeypatch.setenv(f"DORFLICHT_{name.upper()}", value)
    with pytest.raises(ValidationError) as caught:
        Settings(_env_file=None)
    [error] = caught.value.errors()
    return str(error["loc"][0]), error["msg"]


def test_no_encryption_only_on_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    name, why = fault(monkeypatch, smtp_host="mail.example.org", smtp_security="none", mail_from="a@example.org")
    assert name == "smtp_security"
    assert "use starttls or tls" in why
    monkeypatch.setenv("DORFLICHT_SMTP_HOST", "127.0.0.1")
    assert Settings(_env_file=None).smtp_security == "none"


def test_a_mail_server_needs_a_sender(monkeypatch: pytest.MonkeyPatch) -> None:
    name, why = fault(monkeypatch, smtp_host="mail.example.org")
    assert name == "mail_from"
    assert "set the address" in why


@pytest.mark.parametrize("sender", ["lights", "Lights <a@example.org>", "a@example.org\nBcc: b@example.org", "a@"])
def test_the_sender_is_one_address(monkeypatch: pytest.MonkeyPatch, sender: str) -> None:
    assert fault(monkeypatch, mail_from=sender)[0] == "mail_from"


def test_secrets_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DORFLICHT_SMTP_PASSWORD", "hush")
    monkeypatch.setenv("DORFLICHT_WEBHOOK_SECRET", "hush")
    settings = Settings(_env_file=None)
    assert "hush" not in repr(settings)
    assert settings.webhook_secret.get_secret_value() == "hush"
