"""The transport over TLS: the name is checked, the deadline holds, doubt is told from failure."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic

import certifi
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from connectors.base import Wiring
from connectors.errors import OutcomeUnknown, RetryLater
from connectors.http import Transport

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


def certificate(folder: Path, name: str) -> Path:
    """A self-signed certificate with its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / f"{name}.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return path


class TlsServer:
    """One thread, one connection at a time; ``parts`` are sent after each request."""

    def __init__(self, pem: Path, parts: list[bytes], *, drip: bool = False) -> None:
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(pem)
        self.context.sni_callback = lambda _, name, __: self.names.append(name)  # type: ignore[assignment]
        self.names: list[str | None] = []
        self.parts, self.drip = parts, drip
        self.requests = 0
        self.stop = threading.Event()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    @property
    def url(self) -> str:
        return f"https://localhost:{self.listener.getsockname()[1]}"

    def close(self) -> None:
        self.stop.set()
        with suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join(10)

    def _run(self) -> None:
        while not self.stop.is_set():
            try:
                plain, _ = self.listener.accept()
            except OSError:
                return
            with plain, suppress(OSError), self.context.wrap_socket(plain, server_side=True) as tls:
                tls.settimeout(5)
                while data := tls.recv(65_536):
                    if b" HTTP/1.1\r\n" not in data:
                        continue  # the body comes apart from the head
                    self.requests += 1
                    for part in self.parts:
                        tls.sendall(part)
                    while self.drip and not self.stop.wait(0.05):
                        tls.sendall(b" ")
                    if not self.parts:
                        break


@pytest.fixture
def trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    pem = certificate(tmp_path, "localhost")
    monkeypatch.setattr(certifi, "where", lambda: str(pem))
    return pem


@pytest.fixture
def serving(trusted: Path) -> Iterator[list[TlsServer]]:
    running: list[TlsServer] = []
    yield running
    for server in running:
        server.close()


def transport(url: str) -> Transport:
    wiring = Wiring(
        now=lambda: datetime.now(UTC),
        observe=lambda _: None,
        allow_loopback=True,
        connect_seconds=2.0,
        read_seconds=0.5,
    )
    return Transport(url, wiring, total_seconds=1.0)


def test_a_trusted_server_is_asked_by_its_name(trusted: Path, serving: list[TlsServer]) -> None:
    server = TlsServer(trusted, [ANSWER])
    serving.append(server)
    client = transport(server.url)
    assert client.request("GET", "/x").body == b"{}"
    assert client.request("POST", "/x", body=b"{}").status == 200
    client.close()
    assert server.names == ["localhost"], "one connection, with the name and not the address"
    assert server.requests == 2


def test_a_wrong_name_is_refused_before_anything_is_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, serving: list[TlsServer]
) -> None:
    pem = certificate(tmp_path, "elsewhere.example")
    monkeypatch.setattr(certifi, "where", lambda: str(pem))
    server = TlsServer(pem, [ANSWER])
    serving.append(server)
    with pytest.raises(RetryLater, match="TLS connection failed"):
        transport(server.url).request("POST", "/x", body=b"{}")
    assert server.requests == 0


def test_an_unknown_authority_is_refused(
    tmp_path: Path, trusted: Path, serving: list[TlsServer]
) -> None:
    (tmp_path / "other").mkdir()
    server = TlsServer(certificate(tmp_path / "other", "localhost"), [ANSWER])
    serving.append(server)
    with pytest.raises(RetryLater, match="TLS connection failed"):
        transport(server.url).request("POST", "/x", body=b"{}")
    assert server.requests == 0


def test_a_dripping_answer_ends(trusted: Path, serving: list[TlsServer]) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"
    server = TlsServer(trusted, [head], drip=True)
    serving.append(server)
    started = monotonic()
    with pytest.raises(OutcomeUnknown):
        transport(server.url).request("POST", "/x", body=b"{}")
    assert monotonic() - started < 5


def test_a_broken_connection_leaves_a_write_in_doubt(
    trusted: Path, serving: list[TlsServer]
) -> None:
    server = TlsServer(trusted, [])
    serving.append(server)
    with pytest.raises(OutcomeUnknown):
        transport(server.url).request("POST", "/x", body=b"{}")
    with pytest.raises(RetryLater):
        transport(server.url).request("GET", "/x")


def test_a_silent_handshake_ends_and_nothing_was_sent() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"https://localhost:{silent.getsockname()[1]}"
        with pytest.raises(RetryLater):
            transport(url).request("POST", "/x", body=b"{}")
