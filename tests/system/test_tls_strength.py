# SPDX-License-Identifier: Apache-2.0
"""What no client may get out of TLS: old versions, weak ciphers, renegotiation and their like."""

import re
import socket
import ssl
import struct

import pytest

from certificates import EC, RSA, openssl
from server import is_sanitizer_build
from tls import TlsWire, client_context, s_client
from waiting import PATIENCE_S
from wire import V311

WEEK_S = 7 * 24 * 3600

# Records of a ClientHello that OpenSSL would not send itself any more.
VERSIONS = {"SSLv3": 0x0300, "TLS 1.0": 0x0301, "TLS 1.1": 0x0302, "TLS 1.2": 0x0303}
ALERT, HANDSHAKE = 21, 22

# IANA's numbers, some of each kind that is not to be had.
WEAK_SUITES = {
    "NULL": [0x0001, 0x0002, 0x003B, 0xC006, 0xC010, 0x002C, 0x00B0, 0xC03A],
    "EXPORT": [0x0003, 0x0006, 0x0008, 0x000B, 0x0014, 0x0017, 0x0019],
    "RC4": [0x0004, 0x0005, 0x0018, 0xC007, 0xC011, 0x008A],
    "DES": [0x0009, 0x0015, 0x001A, 0x000A, 0x0016, 0x001B, 0xC008, 0xC012, 0x008B],
    "anonymous": [0x0034, 0x006C, 0x00A6, 0x00A7, 0xC015, 0xC016, 0xC018, 0xC019],
    "static RSA": [0x002F, 0x0035, 0x003C, 0x003D, 0x009C, 0x009D, 0xC09C, 0xC0A0],
    "CBC": [0x0033, 0x0039, 0x0067, 0x006B, 0xC009, 0xC00A, 0xC013, 0xC014, 0xC023, 0xC024,
            0xC027, 0xC028],
    "finite fields": [0x009E, 0x009F, 0xCCAA],
}
GOOD_SUITES = [0xC02B, 0xC02C, 0xC02F, 0xC030, 0xCCA8, 0xCCA9]


def vector(size_bytes, content):
    return len(content).to_bytes(size_bytes, "big") + content


def extension(number, content):
    return struct.pack(">H", number) + vector(2, content)


def client_hello(version=0x0303, suites=GOOD_SUITES, compression=b"\0", more=b""):
    """A whole record; curves and signatures are those that everyone has."""
    extensions = extension(10, vector(2, b"\x00\x17\x00\x1d")) + extension(11, vector(1, b"\0")) + \
        extension(13, vector(2, b"\x04\x03\x08\x04\x04\x01\x02\x03\x02\x01")) + more
    body = struct.pack(">H", version) + b"r" * 32 + vector(1, b"") + \
        vector(2, b"".join(struct.pack(">H", suite) for suite in suites)) + \
        vector(1, compression) + vector(2, extensions)
    return b"\x16" + struct.pack(">H", min(version, 0x0301)) + vector(2, b"\x01" + vector(3, body))


def answer(server, sent):
    """The first record of the server's answer, its type and content; None where there is none."""
    with socket.create_connection(("127.0.0.1", server.port), PATIENCE_S) as connection:
        got = b""
        try:
            connection.sendall(sent)
            while len(got) < 5 or len(got) < 5 + int.from_bytes(got[3:5], "big"):
                more = connection.recv(65536)
                if not more:
                    return None
                got += more
        except ConnectionError:
            return None
        return got[0], got[5:5 + int.from_bytes(got[3:5], "big")]


def is_accepted(server, hello):
    record = answer(server, hello)
    return record is not None and record[0] == HANDSHAKE


@pytest.fixture
def server(start_tls):
    return start_tls()


@pytest.mark.sanitizer
def test_only_tls_1_2_and_above_is_spoken(server):
    accepted = [name for name, version in VERSIONS.items()
                if is_accepted(server, client_hello(version))]
    assert accepted == ["TLS 1.2"]


@pytest.mark.ours_only("its default leaves some of them in")
@pytest.mark.parametrize("key", [EC, RSA], ids=["ec", "rsa"])
def test_weak_suites_are_not_spoken(start_tls, key):
    server = start_tls(key=key)
    accepted = [(kind, hex(suite)) for kind, suites in WEAK_SUITES.items() for suite in suites
                if is_accepted(server, client_hello(suites=[suite]))]
    assert not accepted
    assert is_accepted(server, client_hello())


def test_a_weak_suite_is_not_chosen_where_a_good_one_is_offered(server):
    weak = [suite for suites in WEAK_SUITES.values() for suite in suites]
    _, hello = answer(server, client_hello(suites=weak + GOOD_SUITES))
    after_session = 4 + 2 + 32 + 1 + hello[4 + 2 + 32]
    assert int.from_bytes(hello[after_session:after_session + 2], "big") in GOOD_SUITES


@pytest.mark.ours_only("it lets the client choose")
def test_the_server_chooses_among_suites(server):
    """AES-256 comes first here, ChaCha20 for a client that puts it first as it has no AES."""
    for offered, wanted in [("AES128-GCM-SHA256:{}AES256-GCM-SHA384", "AES256-GCM-SHA384"),
                            ("CHACHA20-POLY1305:{}AES256-GCM-SHA384", "CHACHA20-POLY1305")]:
        names = "ECDHE-ECDSA-" + offered.format("ECDHE-ECDSA-")
        assert f"Cipher is ECDHE-ECDSA-{wanted}" in s_client(
            server, "-tls1_2", "-cipher", names).stdout


def test_nothing_is_compressed(server):
    assert "Compression: NONE" in s_client(server, "-tls1_2", "-comp").stdout
    _, hello = answer(server, client_hello(compression=b"\x01\x00"))
    after_session = 4 + 2 + 32 + 1 + hello[4 + 2 + 32]
    assert hello[after_session + 2] == 0
    assert not is_accepted(server, client_hello(compression=b"\x01"))


def test_a_client_cannot_renegotiate(server):
    """s_client asks for it when it reads an R."""
    said = s_client(server, "-tls1_2", stdin="R\n")
    assert "RENEGOTIATING" in said.stdout + said.stderr
    assert "no renegotiation" in said.stderr or said.returncode != 0
    assert "Secure Renegotiation IS supported" in s_client(server, "-tls1_2").stdout


def test_signatures_with_sha_1_are_not_made(server):
    done = s_client(server, "-tls1_2", "-sigalgs", "ECDSA+SHA1:RSA+SHA1",
                    "-cipher", "ALL:@SECLEVEL=0")
    assert done.returncode != 0


def test_nothing_is_read_before_the_handshake_is_over(server, authority, tmp_path):
    """Early data could be sent again by whoever has heard it."""
    session = tmp_path / "session"
    s_client(server, "-tls1_3", "-sess_out", session, "-ign_eof", stdin="x" * 10)
    (tmp_path / "early").write_text("too early")
    said = s_client(server, "-tls1_3", "-sess_in", session, "-early_data", tmp_path / "early")
    assert "Early data was accepted" not in said.stdout
    assert "Max Early Data: 0" in openssl("sess_id", "-in", session, "-noout", "-text").stdout \
        or "Early data was not sent" in said.stdout


@pytest.mark.ours_only("its tickets are OpenSSL's")
def test_a_ticket_lives_for_hours_and_not_for_days(start_tls, authority):
    server = start_tls()
    for version in ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3:
        client = TlsWire(server, client_context(authority, version=version)).connected(V311, "c")
        assert client.socket.session.has_ticket
        assert 3600 <= client.socket.session.ticket_lifetime_hint <= WEEK_S


def test_another_application_is_not_agreed_to(server):
    """A browser's h2, lured here, gets no word of MQTT as if it were one of HTTP."""
    for version in "-tls1_2", "-tls1_3":
        assert "No ALPN negotiated" in s_client(server, version, "-alpn", "h2,http/1.1").stdout


@pytest.mark.parametrize("sent", [
    client_hello(more=extension(0xFFFF, bytes(60000)))[:16000],
    b"\x16\x03\x01\xff\xff" + bytes(65535),
    b"\x16\x03\x01\x00\x04\x01\xff\xff\xff" + b"\x16\x03\x01\x40\x00" * 8,
    b"\x16\x03\x01\x00\x00" * 1000,
], ids=["cut", "record", "announced", "empty"])
def test_a_hello_that_is_too_large_is_ended(server, authority, sent):
    before = server.memory_kib()
    for _ in range(50):
        answer(server, sent + b"\x15\x03\x01\x00\x02\x02\x00")
    if not is_sanitizer_build():  # which keeps what is freed
        assert server.memory_kib() - before < 4096
    TlsWire(server, client_context(authority)).connected(V311, "c")


def test_curves_are_those_of_today(start_tls):
    server = start_tls(key=RSA)  # whose own key is on no curve
    for curve, good in [("X25519", True), ("P-256", True), ("P-384", True), ("P-192", False),
                        ("secp160k1", False)]:
        done = s_client(server, "-tls1_2", "-curves", curve, "-cipher", "ECDHE:@SECLEVEL=0")
        assert (done.returncode == 0) == good, (curve, done.stderr)
    # A key share over a finite field is dear for the server, and for nobody else.
    for group in "ffdhe2048", "ffdhe8192":
        assert "Cipher is (NONE)" in s_client(server, "-tls1_3", "-groups", group).stdout


def test_a_key_is_drawn_anew_for_each_connection(server):
    """One that lies in a file, once lost, opens nothing of what was said before."""
    shares = set()
    for _ in range(8):
        kind, _ = answer(server, client_hello())
        assert kind == HANDSHAKE
        said = s_client(server, "-tls1_2", "-msg").stdout
        shares.add(re.search(r"ServerKeyExchange\n((?: +.*\n)+)", said).group(1))
    assert len(shares) == 8
