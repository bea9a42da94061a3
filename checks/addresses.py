"""Which network addresses the product may connect to on somebody's request.

``ipaddress.is_global`` alone is a trap: it answers true for addresses that embed an inner IPv4
address, for multicast and for a cloud's own service address. So the question is asked here once,
for clone addresses and for any other outgoing connection that a person can choose.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

from checks.errors import InputError

type Address = IPv4Address | IPv6Address
type Network = IPv4Network | IPv6Network
type Lookup = Callable[[str, int], Iterable[str]]

# Services that hand out a machine's credentials. A range that an operator allows never opens them.
METADATA: frozenset[Address] = frozenset(
    ipaddress.ip_address(text)
    for text in (
        "169.254.169.254",
        "169.254.170.2",
        "169.254.170.23",
        "168.63.129.16",
        "100.100.100.200",
        "192.0.0.192",
        "fd00:ec2::254",
        "fd00:ec2::23",
        "fd20:ce::254",
    )
)

_CLOSED_V4 = tuple(
    IPv4Network(text)
    for text in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/3",
    )
)
_OPEN_V6 = IPv6Network("2000::/3")
_CLOSED_V6 = tuple(
    IPv6Network(text) for text in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")
)
_NAT64 = IPv6Network("64:ff9b::/96")
_EMBEDDING_LOW = tuple(
    IPv6Network(text) for text in ("::/96", "::ffff:0:0/96", "::ffff:0:0:0/96", "64:ff9b::/96")
)
_ISATAP = frozenset({0x00005EFE, 0x02005EFE})
_NUMERIC_LABEL = re.compile(r"(0[xX][0-9a-fA-F]*|[0-9]+)\Z")
_NAME = re.compile(
    r"(?=.{1,253}\Z)[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*\Z"
)


class AddressError(InputError, ValueError):
    """A host that must not be connected to.

    Attributes:
        code: ``host``, ``unresolved``, ``private`` or ``metadata``.
        sentence: One sentence for the person who chose the host.
    """

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code
        self.sentence = sentence


@dataclass(frozen=True, slots=True)
class AllowedHosts:
    """Hosts an operator opened although they are not public: names, addresses and ranges.

    A name or an address may end in ``:port``; then only that port is open.
    """

    names: frozenset[tuple[str, int | None]] = frozenset()
    networks: tuple[Network, ...] = ()

    @classmethod
    def parse(cls, entries: Iterable[str]) -> AllowedHosts:
        """Read operator settings such as ``forge.internal``, ``10.1.0.0/16``, ``[::1]:8080``.

        Raises:
            ValueError: An entry is no host, address or range; the message names it.
        """
        names: set[tuple[str, int | None]] = set()
        networks: list[Network] = []
        for entry in (raw.strip() for raw in entries):
            if not entry:
                continue
            try:
                if "/" in entry:
                    networks.append(ipaddress.ip_network(entry, strict=False))
                else:
                    names.add(_split_entry(entry))
            except ValueError:
                raise ValueError(
                    f"{entry!r} is no allowed host; write a host, host:port or a range (CIDR)."
                ) from None
        return cls(frozenset(names), tuple(networks))

    def names_host(self, host: str, port: int) -> bool:
        """Whether this very host (or literal address) was named."""
        return (host, None) in self.names or (host, port) in self.names

    def covers(self, address: Address, port: int) -> bool:
        """Whether the address lies in an allowed range or was named literally."""
        if self.names_host(str(address), port):
            return True
        return any(address.version == net.version and address in net for net in self.networks)


def _split_entry(entry: str) -> tuple[str, int | None]:
    try:
        return str(ipaddress.ip_address(entry)), None
    except ValueError:
        pass
    host, colon, port = entry.rpartition(":")
    if not colon:
        return normal_host(entry), None
    return normal_host(host), int(port)


def normal_host(text: str) -> str:
    """The one spelling of a host: lower case, no final dot, numeric forms as plain addresses.

    ``0x7f.1``, ``017700000001`` and ``2130706433`` are all ``127.0.0.1``; an IPv6 address may stand
    in brackets and comes back without them, in its short form.

    Raises:
        AddressError: It is not a host name or address (code ``host``).
    """
    if text.startswith("[") and text.endswith("]"):
        try:
            return str(IPv6Address(text[1:-1]))
        except ValueError:
            raise AddressError("host", "The address in brackets is no IPv6 address.") from None
    host = text.lower().removesuffix(".")
    if _NUMERIC_LABEL.match(host.rpartition(".")[2]):
        return str(_numeric_address(host))
    if not _NAME.match(host):
        raise AddressError("host", "The host is not a valid name; check it for typing errors.")
    return host


def _numeric_address(host: str) -> IPv4Address:
    """An IPv4 address in any notation ``inet_aton`` takes: 1 to 4 parts, base 8, 10 or 16."""
    refused = AddressError("host", "The host looks like an IPv4 address but is none.")
    parts = host.split(".")
    if len(parts) > 4 or not all(_NUMERIC_LABEL.match(part) for part in parts):
        raise refused
    try:
        numbers = [_number(part) for part in parts]
    except ValueError:
        raise refused from None
    *head, last = numbers
    if any(number > 255 for number in head) or last >= 256 ** (4 - len(head)):
        raise refused
    value = last
    for position, number in enumerate(head):
        value += number << (8 * (3 - position))
    return IPv4Address(value)


def _number(part: str) -> int:
    if part[:2] in {"0x", "0X"}:
        return int(part[2:] or "0", 16)
    if len(part) > 1 and part.startswith("0"):
        return int(part, 8)
    return int(part)


def is_public(address: Address) -> bool:
    """Whether the address belongs to the public internet and hides no inner one."""
    if isinstance(address, IPv4Address):
        return address.is_global and not any(address in net for net in _CLOSED_V4)
    if address in _NAT64:
        # An IPv6-only network reaches every IPv4 forge through this prefix.
        return is_public(IPv4Address(int(address) & 0xFFFFFFFF))
    if address not in _OPEN_V6 or any(address in net for net in _CLOSED_V6):
        return False
    return address.is_global and (int(address) >> 32) & 0xFFFFFFFF not in _ISATAP


def _is_metadata(address: Address) -> bool:
    if address in METADATA:
        return True
    if isinstance(address, IPv6Address):
        if any(address in net for net in _EMBEDDING_LOW):
            return IPv4Address(int(address) & 0xFFFFFFFF) in METADATA
        if address in _CLOSED_V6[2]:
            return IPv4Address((int(address) >> 80) & 0xFFFFFFFF) in METADATA
    return False


def _system_lookup(host: str, port: int) -> list[str]:
    infos = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(info[4][0]) for info in infos]


def permitted_addresses(
    host: str, port: int, allowed: AllowedHosts, *, lookup: Lookup = _system_lookup
) -> tuple[str, ...]:
    """Resolve a normalised host; every address it has must be public or opened by the operator.

    The answer is what the connection is pinned to, so that a second look-up (DNS rebinding) can
    not lead anywhere else. IPv4 comes first: ssh can be pinned to one address only.

    Raises:
        AddressError: It does not resolve, or one of its addresses may not be reached.
    """
    try:
        addresses = list({ipaddress.ip_address(text): None for text in lookup(host, port)})
    except (OSError, UnicodeError, ValueError):
        addresses = []
    if not addresses:
        raise AddressError(
            "unresolved", f"The host {host} could not be found; check its name for typing errors."
        )
    for address in addresses:
        _check_address(address, host, port, allowed)
    return tuple(str(a) for a in sorted(addresses, key=lambda a: a.version))


def _check_address(address: Address, host: str, port: int, allowed: AllowedHosts) -> None:
    if _is_metadata(address):
        if allowed.names_host(str(address), port):
            return
        raise AddressError(
            "metadata", f"The host {host} leads to a cloud metadata service, which is never opened."
        )
    if is_public(address) or allowed.names_host(host, port) or allowed.covers(address, port):
        return
    raise AddressError(
        "private",
        f"The host {host} is not on the public internet; an operator can allow it in "
        "STRAIGHTEDGE_CLONE_ALLOWED_HOSTS.",
    )
