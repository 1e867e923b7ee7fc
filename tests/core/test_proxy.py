"""The hosts that are called without the proxy."""

import pytest

from bot.core.fields import Proxy


@pytest.mark.parametrize(
    ("exception", "direct", "through_proxy"),
    [
        ("*", ["slack.com:443", "10.0.0.1:80"], []),
        ("example.com", ["example.com:443", "EXAMPLE.com.:443", "a.b.example.com:8443"], ["badexample.com:443"]),
        ("*.example.com", ["api.example.com:443"], ["example.org:443"]),
        ("example.com:8443", ["example.com:8443"], ["example.com:443"]),
        ("[::1]:8443", ["::1:8443"], ["::1:443"]),
        ("::1", ["::1:443"], ["::2:443"]),
        (".", [], ["example.com:443"]),
    ],
)
def test_exceptions_are_hosts_and_domains(exception: str, direct: list[str], through_proxy: list[str]) -> None:
    proxy = Proxy("http://proxy.example.com:3128", exceptions=("other.example", exception))
    for targets, is_served in ((direct, False), (through_proxy, True)):
        for target in targets:
            host, _, port = target.rpartition(":")
            assert proxy.serves(host, int(port)) is is_served, target
