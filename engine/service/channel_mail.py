"""Mail by SMTP (RFC 5321): in the clear, with STARTTLS, or with TLS from the first byte; with a login or without."""

from __future__ import annotations

import smtplib
import ssl
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Final

from engine.domain.calendar import ZONE

from .catalogue import sentence
from .channels import PATIENCE, SENT, Outcome, Patience, cut_after, printable
from .delivery_text import Notice
from .notice_settings import MAIL_ADDRESS, Smtp

_PERMANENT: Final = range(500, 600)


class Mail:
    """One connection, kept while messages go out. Certificates are checked against the system's authorities
    (`SSL_CERT_FILE` names others)."""

    name = "mail"
    per_minute = 0

    def __init__(self, settings: Smtp, patience: Patience = PATIENCE) -> None:
        self._settings = settings
        self._patience = patience
        self._client: smtplib.SMTP | None = None

    def send(self, notice: Notice) -> Outcome:
        if not MAIL_ADDRESS.fullmatch(notice.address):
            return Outcome("never", "delivery.error.address")
        opening = self._client is None
        client = self._client or self._new()
        self._client = client
        try:
            with cut_after(self._patience.whole, lambda: client.sock):
                if opening:
                    self._open(client)
                client.send_message(self._message(notice))
        except smtplib.SMTPRecipientsRefused as refused:
            return self._answered(*next(iter(refused.recipients.values())))
        except (smtplib.SMTPSenderRefused, smtplib.SMTPDataError) as refused:
            return self._answered(refused.smtp_code, refused.smtp_error)
        except (smtplib.SMTPException, OSError, ValueError) as fault:
            # Connecting, TLS, greeting, login, or a connection that broke. A login refused is a fault of the settings,
            # not of the message: it waits until they are mended.
            self.close()
            return Outcome("later", "delivery.error.unreachable", self._said(fault), halt=True)
        return SENT

    def close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            client.close()

    def _new(self) -> smtplib.SMTP:
        # Named by the sender's domain: asking the machine for its own name may wait for a name server.
        own = self._settings.sender.rpartition("@")[2]
        if self._settings.security == "tls":
            return smtplib.SMTP_SSL(
                local_hostname=own, timeout=self._patience.step, context=ssl.create_default_context()
            )
        return smtplib.SMTP(local_hostname=own, timeout=self._patience.step)

    def _open(self, client: smtplib.SMTP) -> None:
        settings = self._settings
        client._host = settings.host  # type: ignore[attr-defined] # else TLS has no name to check: set by the constructor only
        code, said = client.connect(settings.host, settings.port)
        if code != 220:
            raise smtplib.SMTPConnectError(code, said)
        if settings.security == "starttls":
            client.starttls(context=ssl.create_default_context())
        client.ehlo_or_helo_if_needed()
        if settings.user:
            client.login(settings.user, settings.password)

    def _message(self, notice: Notice) -> EmailMessage:
        message = EmailMessage()
        message["From"] = self._settings.sender
        message["To"] = notice.address
        message["Subject"] = notice.subject
        message["Date"] = format_datetime(notice.at.astimezone(ZONE))
        # The same at each attempt: mail programs show a doubled message once, and servers may drop it.
        message["Message-ID"] = f"<{notice.key}@{self._settings.sender.rpartition('@')[2]}>"
        message["Auto-Submitted"] = "auto-generated"
        message["X-Delivery-Id"] = notice.key
        message.set_content(f"{notice.text}\n\n{sentence('delivery.text.footer', {})}\n", cte="base64")
        return message

    def _answered(self, code: int, said: bytes | str) -> Outcome:
        words = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
        detail = printable(f"{code} {words}", self._settings.password)
        if code == 421:  # the server ends the conversation: the next message needs a new one
            self.close()
        if code in _PERMANENT:
            return Outcome("never", "delivery.error.refused", detail)
        return Outcome("later", "delivery.error.busy", detail, halt=code == 421)

    def _said(self, fault: Exception) -> str:
        if isinstance(fault, smtplib.SMTPResponseException):
            words = fault.smtp_error
            text = words.decode("utf-8", "replace") if isinstance(words, bytes) else str(words)
            return printable(f"{fault.smtp_code} {text}", self._settings.password)
        return printable(f"{type(fault).__name__}: {fault}", self._settings.password)
