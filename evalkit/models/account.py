"""Where a vendor's model is asked, with which key, and with which settings."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from hashlib import sha256
from importlib.util import find_spec
from urllib.parse import urlsplit

from evalkit.errors import ConfigError, MissingModel
from evalkit.models.backend import Opening
from evalkit.models.connections import Patience

_NO_KEY = "no-key"
"""What servers that need none are sent: the SDKs want one."""

_LEAST = {"most": 1, "tries": 1, "timeout": 1, "reasoning_tokens": 0, "poll": 1}
"""The least value of each setting that is a number."""


@dataclass(frozen=True, slots=True)
class VendorSettings:
    """The options that the aliases of every vendor have; the heads of the backends tell what each does."""

    base_url: str = ""
    key: str = ""
    sampling: bool = True
    reasoning_tokens: int = 0
    most: int = 32
    tries: int = 6
    timeout: int = 60
    batch: bool = False
    poll: int = 30

    @property
    def patience(self) -> Patience:
        """How long one answer may take: a model may think for long while its server sends nothing but pings."""
        return Patience(quiet=5.0 * self.timeout, whole=10.0 * self.timeout)


@dataclass(frozen=True, slots=True)
class Api:
    """A vendor's own API: the ``package`` of its SDK, which is the scheme of its specs too, and the address."""

    package: str
    home: str

    def variable(self, name: str) -> str:
        """The environment variable of that ``name``, as the SDK calls it.

        >>> Api("openai", "https://api.openai.com/v1").variable("API_KEY")
        'OPENAI_API_KEY'
        """
        return f"{self.package.upper()}_{name}"


@dataclass(frozen=True, slots=True)
class Account:
    """Whom one alias asks: a ``url`` without a slash at its end, and a ``key``, which is never stored or shown.

    ``key_name`` is the environment variable that the key is expected in.
    """

    url: str
    key: str = field(repr=False)
    key_name: str

    @property
    def needs_no_key(self) -> bool:
        """Whether the server is asked without a key, so that nobody can be billed by it."""
        return self.key == _NO_KEY


def open_account(opening: Opening, api: Api, settings: VendorSettings) -> Account:
    """The account that an alias asks by. Nothing is sent.

    Raises MissingModel without the SDK's package or a key that is needed, ConfigError where something can't be asked
    so.
    """
    spec = opening.spec
    if find_spec(api.package) is None:
        raise MissingModel(f"{spec} needs the {api.package} package: pip install 'pytest-evalkit[{api.package}]'")
    if not spec.place:
        raise ConfigError(f"{spec}: name a model, as in {api.package}:MODEL")
    for name, least in _LEAST.items():
        if getattr(settings, name) < least:
            raise ConfigError(f"{spec}: {name} is {getattr(settings, name)}, expected {least} or more")
    if opening.task.decoding.repeat_penalty != 1:
        raise ConfigError(f"{spec}: the task's repeat_penalty can't be sent: this API has none")
    return _account(opening, api, settings)


def _account(opening: Opening, api: Api, settings: VendorSettings) -> Account:
    """A vendor's key goes to its own server and to $VENDOR_BASE_URL; to a ``base_url`` only where ``key`` names it."""
    spec = opening.spec
    url = settings.base_url or os.environ.get(api.variable("BASE_URL")) or api.home
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigError(f"{spec}: base_url is {url!r}, expected http://... or https://...")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ConfigError(f"{spec}: base_url has more than scheme, host, port and path; a key belongs into a variable")
    name = settings.key or ("" if settings.base_url else api.variable("API_KEY"))
    key = os.environ.get(name, "") if name else ""
    if not key and (settings.key or url == api.home):
        raise MissingModel(f"{spec}: set {name} to the key of your account")
    return Account(url.rstrip("/"), key or _NO_KEY, settings.key or api.variable("API_KEY"))


def extra_headers(api: Api) -> dict[str, str]:
    """For the fingerprint: which headers the SDK adds by itself ($VENDOR_CUSTOM_HEADERS), as a digest, because there
    may be secrets among them."""
    headers = os.environ.get(api.variable("CUSTOM_HEADERS"), "")
    return {"headers": sha256(headers.encode()).hexdigest()} if headers.strip() else {}


def moving(model: str) -> dict[str, bool]:
    """For the fingerprint: that a name stands for another model from time to time; empty for one that does not."""
    return {"moves": True} if model.endswith("-latest") else {}
