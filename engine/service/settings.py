"""Settings: read once from the environment, checked before anything starts."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from engine.journal.checkpoint import is_origin

from .notice_settings import NoticeSettings

DEVELOPMENT_SECRET = "only-for-development-this-secret-is-published"
MINIMUM_SECRET_LENGTH = 32
"""Characters; 32 random ones carry at least 128 bits in any usual alphabet."""

MINIMUM_TOKEN_LENGTH = 20
"""Characters of the token of monitoring; it opens figures only, no case."""

PasswordProfile = Literal["dengbao", "asvs"]
LogFormat = Literal["text", "json"]
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
"""Names of this very machine."""
_NOTICE_PROBLEMS: Mapping[str, str] = {
    "settings.smtp_plain_login": "邮件服务器的密码未经加密传送: 请用 smtps:// 或 smtp+starttls://",
    "settings.plain_webhook": "群机器人或接口地址未用 https, 其密钥未经加密传送",
}
_YES = frozenset({"1", "true", "yes", "on"})


def _is_network(text: str) -> bool:
    try:
        ipaddress.ip_network(text)
    except ValueError:
        return False
    return True


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong with the settings. `fatal`: the program must not start with it."""

    key: str
    text: str
    params: Mapping[str, str] = field(default_factory=dict)
    fatal: bool = True


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that differs between installations. Sizes in bytes."""

    environment: str = "development"
    database_url: str = ""
    database_owner_url: str = ""
    secret_key: str = DEVELOPMENT_SECRET
    data_dir: Path = Path("var")
    test_clock: str = ""
    host: str = "127.0.0.1"
    port: int = 8000
    public_url: str = ""
    trusted_proxies: int = 0
    upload_max_bytes: int = 20 * 1024 * 1024
    request_max_bytes: int = 64 * 1024 * 1024
    upload_types: tuple[str, ...] = (
        "png", "jpg", "jpeg", "gif", "webp", "pdf", "ofd", "doc", "docx", "xls", "xlsx", "ppt", "pptx", "wps", "et",
        "txt", "csv", "zip", "mp4", "mp3",
    )  # fmt: skip
    password_profile: PasswordProfile = "dengbao"
    session_idle_minutes: int = 30
    session_absolute_hours: int = 12
    writes_per_minute: int = 300
    two_approvers: bool = False
    hash_algorithm: str = ""
    key_dir: Path | None = None
    log_origin: str = ""
    metrics_token: str = ""
    monitor_port: int = 0
    log_format: LogFormat = "text"
    stop_seconds: int = 30
    stop_notice_seconds: int = 3
    fetch_networks: tuple[str, ...] = ()
    notices: NoticeSettings = NoticeSettings()
    malformed: tuple[str, ...] = ()

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> Settings:
        """Settings from `OPINION_*` variables (docs: the table in README). Malformed numbers become problems."""
        malformed: list[str] = []

        def number(name: str, default: int) -> int:
            raw = env.get(name, "").strip()
            if raw.isascii() and raw.isdigit():
                return int(raw)
            if raw:
                malformed.append(name)
            return default

        data_dir = Path(env.get("OPINION_DATA_DIR") or "var")
        profile = env.get("OPINION_PASSWORD_PROFILE", "dengbao")
        if profile not in ("dengbao", "asvs"):
            malformed.append("OPINION_PASSWORD_PROFILE")
        environment = env.get("OPINION_ENV", "development")
        if environment not in ("development", "production"):
            malformed.append("OPINION_ENV")
        algorithm = env.get("OPINION_HASH", "")
        if algorithm not in ("", "sha256", "sm3"):
            malformed.append("OPINION_HASH")
        origin = env.get("OPINION_LOG_ORIGIN", "")
        if origin and not is_origin(origin):
            malformed.append("OPINION_LOG_ORIGIN")
        log_format = env.get("OPINION_LOG_FORMAT") or "text"
        if log_format not in ("text", "json"):
            malformed.append("OPINION_LOG_FORMAT")
        port = number("OPINION_PORT", 8000)
        upload = number("OPINION_UPLOAD_MAX_MB", 20) * 1024 * 1024
        notices = NoticeSettings.from_env(env)
        networks = tuple(one.strip() for one in env.get("OPINION_FETCH_NETWORKS", "").split(",") if one.strip())
        if not all(_is_network(one) for one in networks):
            malformed.append("OPINION_FETCH_NETWORKS")
            networks = ()
        return cls(
            environment=environment,
            database_url=env.get("OPINION_DATABASE_URL") or f"sqlite:///{data_dir / 'opinion.db'}",
            database_owner_url=env.get("OPINION_DATABASE_OWNER_URL", ""),
            secret_key=env.get("OPINION_SECRET_KEY") or DEVELOPMENT_SECRET,
            data_dir=data_dir,
            test_clock=env.get("OPINION_TEST_CLOCK", ""),
            host=env.get("OPINION_HOST") or "127.0.0.1",
            port=port,
            public_url=env.get("OPINION_PUBLIC_URL", "").rstrip("/"),
            trusted_proxies=number("OPINION_TRUSTED_PROXIES", 0),
            upload_max_bytes=upload,
            request_max_bytes=upload * 3 + 4 * 1024 * 1024,
            password_profile="asvs" if profile == "asvs" else "dengbao",
            session_idle_minutes=number("OPINION_SESSION_IDLE_MINUTES", 30),
            session_absolute_hours=number("OPINION_SESSION_ABSOLUTE_HOURS", 12),
            writes_per_minute=number("OPINION_WRITES_PER_MINUTE", 300),
            two_approvers=env.get("OPINION_TWO_APPROVERS", "").strip().lower() in _YES,
            hash_algorithm=algorithm,
            key_dir=Path(env["OPINION_KEY_DIR"]) if env.get("OPINION_KEY_DIR") else None,
            log_origin=origin,
            metrics_token=env.get("OPINION_METRICS_TOKEN", ""),
            monitor_port=number("OPINION_MONITOR_PORT", 0),
            log_format="json" if log_format == "json" else "text",
            stop_seconds=number("OPINION_STOP_SECONDS", 30),
            stop_notice_seconds=number("OPINION_STOP_NOTICE_SECONDS", 3),
            fetch_networks=networks,
            notices=notices,
            malformed=(*malformed, *notices.malformed),
        )

    @property
    def keys_folder(self) -> Path:
        """Where the private keys of the checkpoints lie."""
        return self.key_dir or self.data_dir / "keys"

    @property
    def production(self) -> bool:
        return self.environment != "development"

    @property
    def url(self) -> str:
        """Where browsers find the program: `public_url`, else host and port on plain http."""
        return self.public_url or f"http://{self.host}:{self.port}"

    @property
    def https(self) -> bool:
        return urlsplit(self.url).scheme == "https"

    @property
    def secure_cookies(self) -> bool:
        """Cookies carry Secure and the `__Host-` prefix everywhere but on plain http to this very machine."""
        return self.https or urlsplit(self.url).hostname not in LOOPBACK

    def problems(self) -> tuple[Problem, ...]:
        """What is wrong, worst first. A start must be refused when any of them is fatal."""
        found = [
            Problem("settings.malformed", f"环境变量 {name} 的值无法识别", {"name": name}) for name in self.malformed
        ]
        if self.production:
            found += self._production_problems()
        elif urlsplit(self.url).hostname not in LOOPBACK:
            found.append(
                Problem(
                    "settings.development_open",
                    "当前为开发模式, 却对外部网络开放: 请设置 OPINION_ENV=production",
                    fatal=False,
                )
            )
        found += [Problem(key, _NOTICE_PROBLEMS[key], fatal=False) for key in dict.fromkeys(self.notices.warnings)]
        return tuple(sorted(found, key=lambda problem: not problem.fatal))

    def _production_problems(self) -> list[Problem]:
        found: list[Problem] = []
        if self.secret_key == DEVELOPMENT_SECRET:
            found.append(
                Problem("settings.default_secret", "正式环境须设置自己的 OPINION_SECRET_KEY, 不得使用默认密钥")
            )
        elif len(self.secret_key) < MINIMUM_SECRET_LENGTH or len(set(self.secret_key)) < 10:
            found.append(
                Problem(
                    "settings.short_secret",
                    f"OPINION_SECRET_KEY 过短或过于简单: 至少 {MINIMUM_SECRET_LENGTH} 个随机字符",
                    {"length": str(MINIMUM_SECRET_LENGTH)},
                )
            )
        if self.test_clock:
            found.append(Problem("settings.test_clock", "正式环境不得设置 OPINION_TEST_CLOCK(测试时钟)"))
        if not self.https and urlsplit(self.url).hostname not in LOOPBACK:
            found.append(
                Problem("settings.plain_http", "正式环境须经 https 访问: 请设置 OPINION_PUBLIC_URL=https://...")
            )
        elif not self.https:
            found.append(
                Problem(
                    "settings.loopback_http",
                    "未设置 OPINION_PUBLIC_URL: 只能从本机访问",
                    fatal=False,
                )
            )
        if self.metrics_token and len(self.metrics_token) < MINIMUM_TOKEN_LENGTH:
            found.append(
                Problem(
                    "settings.short_token",
                    f"OPINION_METRICS_TOKEN 过短: 至少 {MINIMUM_TOKEN_LENGTH} 个随机字符",
                    {"length": str(MINIMUM_TOKEN_LENGTH)},
                )
            )
        if self.session_idle_minutes < 1 or self.session_absolute_hours < 1:
            found.append(Problem("settings.session_limits", "会话时限必须大于零"))
        return found
