# SPDX-License-Identifier: Apache-2.0
"""TLS as users set it up: certificates of their own, and the tools that they have."""

import contextlib
import os
import re
import signal
import socket
import ssl
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

import mosquitto
from certificates import EC, RSA, Authority, openssl
from server import IS_NIGHTJAR, PROGRAM, free_port
from tls import (TlsWire, client_context, mutual, reload, renew_certificate, s_client,
                 shown_subject, trusting)
from waiting import PATIENCE_S, lasted, until
from wire import V5, V311, Wire, publish, subscribe

LARGE = 1_000_000
CONNECT_TIMEOUT_S = 2
HALF_HANDSHAKES = 50
THREAD_CLIENTS = 24

ours_only_log = pytest.mark.ours_only("it reads our log")


# ---- Versions and ciphers ----

@pytest.mark.sanitizer
@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_messages_pass_by_tls(start_tls, authority, version):
    server = start_tls()
    options = [*trusting(authority), "--tls-version", f"tlsv{version}"]
    with mosquitto.Subscriber(server, "-t", "a", *options) as subscriber:
        mosquitto.publish(server, "a", "-m", "secret", "-q", "2", *options)
        assert subscriber.lines(1) == ["secret"]
    assert f"New, TLSv{version}" in s_client(server, f"-tls{version.replace('.', '_')}").stdout


@ours_only_log
def test_the_log_tells_version_and_cipher(start_tls, authority):
    server = start_tls()
    mosquitto.publish(server, "a", "-m", "x", "-i", "c", *trusting(authority))
    server.await_log(r'client.connected id="c" .* tls=TLSv1.3 cipher=TLS_AES_256_GCM_SHA384$')


@ours_only_log
def test_the_log_tells_who_speaks_plain_mqtt(start_tls):
    server = start_tls()
    with Wire(server) as plain:
        plain.send("10 0f 00 04 'MQTT' 04 02 0000 00 03 'abc'")
        server.await_log(r'connection.failed peer=127.0.0.1:.* text="it is no TLS, .* plain MQTT')


@pytest.mark.parametrize("version", ["tls1", "tls1_1"])
def test_older_versions_are_refused(start_tls, version):
    server = start_tls()
    done = s_client(server, f"-{version}", "-cipher", "ALL:@SECLEVEL=0")
    assert "Cipher is (NONE)" in done.stdout
    assert done.returncode != 0


def test_the_lowest_version_can_be_raised(start_tls):
    server = start_tls("tls_version tlsv1.3")
    assert s_client(server, "-tls1_2").returncode != 0
    assert "New, TLSv1.3" in s_client(server).stdout


@pytest.mark.ours_only("its default leaves ciphers without forward secrecy in")
@pytest.mark.parametrize("key", [EC, RSA], ids=["ec", "rsa"])
def test_no_weak_cipher_is_spoken(start_tls, key):
    server = start_tls(key=key)
    names = openssl("ciphers", "-s", "-tls1_2", "ALL:COMPLEMENTOFALL:@SECLEVEL=0").stdout
    names = [name for name in names.strip().split(":") if not name.startswith("TLS_")]
    with ThreadPoolExecutor(4) as pool:
        spoken = pool.map(lambda name: s_client(
            server, "-tls1_2", "-cipher", f"{name}:@SECLEVEL=0").returncode == 0, names)
        spoken = {name for name, good in zip(names, spoken) if good}
    kind = "ECDSA" if key[0] == "ec" else "RSA"
    assert spoken == {f"ECDHE-{kind}-AES256-GCM-SHA384", f"ECDHE-{kind}-AES128-GCM-SHA256",
                      f"ECDHE-{kind}-CHACHA20-POLY1305"}


def test_ciphers_can_be_chosen(start_tls):
    server = start_tls("ciphers ECDHE-ECDSA-AES128-GCM-SHA256\n"
                       "ciphers_tls1.3 TLS_CHACHA20_POLY1305_SHA256")
    assert "Cipher is ECDHE-ECDSA-AES128-GCM-SHA256" in s_client(server, "-tls1_2").stdout
    assert "Cipher is TLS_CHACHA20_POLY1305_SHA256" in s_client(server, "-tls1_3").stdout
    assert s_client(server, "-tls1_2", "-cipher", "ECDHE-ECDSA-AES256-GCM-SHA384").returncode != 0


@pytest.mark.ours_only("it does not answer to ALPN")
def test_the_application_is_named_where_it_is_offered(start_tls):
    server = start_tls()
    assert "ALPN protocol: mqtt" in s_client(server, "-alpn", "mqtt").stdout
    assert "No ALPN negotiated" in s_client(server, "-alpn", "h2").stdout


# ---- Certificates ----

@pytest.mark.sanitizer
def test_a_client_that_does_not_trust_the_server_leaves(start_tls, tmp_path):
    server = start_tls()
    other = Authority(tmp_path, "other")
    assert mosquitto.run("pub", server, "-t", "a", "-m", "x", *trusting(other)).returncode != 0


@pytest.mark.sanitizer
def test_only_clients_with_a_good_certificate_come_in(start_tls, authority, tmp_path):
    server = start_tls(mutual(authority))
    other = Authority(tmp_path, "other")
    wanted = trusting(authority, authority.issue("lamp"))
    mosquitto.publish(server, "a", "-m", "x", *wanted)
    for identity in (), other.issue("lamp"):
        done = mosquitto.run("pub", server, "-t", "a", "-m", "x", "-q", "1",
                             *trusting(authority, identity))
        assert done.returncode != 0


@ours_only_log
def test_the_log_says_why_a_certificate_is_refused(start_tls, authority, tmp_path):
    server = start_tls(mutual(authority))
    other = Authority(tmp_path, "other")
    mosquitto.run("pub", server, "-t", "a", "-m", "x", *trusting(authority))
    server.await_log(r'connection.failed peer=\S+ .*text="peer did not return a certificate"')
    mosquitto.run("pub", server, "-t", "a", "-m", "x", *trusting(authority, other.issue("lamp")))
    server.await_log(r'connection.failed peer=\S+ .*text="(unable|self-signed|certificate sign)')


def test_a_revoked_certificate_does_not_come_in(start_tls, authority):
    good, revoked = authority.issue("good"), authority.issue("revoked")
    server = start_tls(mutual(authority, f"crlfile {authority.revoke(revoked[0])}"))
    mosquitto.publish(server, "a", "-m", "x", *trusting(authority, good))
    done = mosquitto.run("pub", server, "-t", "a", "-m", "x", "-q", "1",
                         *trusting(authority, revoked))
    assert done.returncode != 0


@ours_only_log
@pytest.mark.sanitizer
@pytest.mark.parametrize("key, user", [("use_identity_as_username", "lamp Ö"),
                                       ("use_subject_as_username", r"CN=lamp \\C3\\96,O=home")])
def test_the_certificates_name_is_the_user_name(start_tls, authority, key, user):
    server = start_tls(mutual(authority, f"{key} true\nthreads 4\nallow_anonymous false"))
    identity = authority.issue("named", "/O=home/CN=lamp Ö")
    for number in range(4):  # some of them have to move to another thread
        mosquitto.publish(server, "a", "-m", "x", "-i", f"c{number}", "-u", "other", "-P", "wrong",
                          *trusting(authority, identity))
        line = server.await_log(rf'client.connected id="c{number}" .*').group(0)
        assert f'user="{user}"' in line


def test_access_rules_go_by_the_certificates_name(start_tls, authority, tmp_path):
    (tmp_path / "acl").write_text("user lamp\ntopic readwrite lamps/#\n")
    server = start_tls(mutual(
        authority, f"use_identity_as_username true\nacl_file {tmp_path}/acl"))
    options = trusting(authority, authority.issue("lamp"))
    other = trusting(authority, authority.issue("other"))
    with mosquitto.Subscriber(server, "-t", "lamps/#", *options) as subscriber:
        mosquitto.run("pub", server, "-t", "lamps/1", "-m", "no", "-q", "1", *other)
        mosquitto.publish(server, "lamps/1", "-m", "yes", "-q", "1", *options)
        assert subscriber.lines(1) == ["yes"]


# ---- Reload ----

@pytest.mark.sanitizer
def test_a_new_certificate_is_shown_after_sighup_and_old_connections_stay(
        start_tls, authority, tmp_path):
    server = start_tls("tls_watch_files false" if IS_NIGHTJAR else "")
    options = trusting(authority)
    with mosquitto.Subscriber(server, "-t", "a", *options) as subscriber:
        assert "renewed" not in shown_subject(server)
        renew_certificate(authority, tmp_path, "/CN=localhost/O=renewed")
        assert "renewed" not in shown_subject(server)
        server.signal(signal.SIGHUP)
        until(lambda: "renewed" in shown_subject(server), "the new certificate")
        mosquitto.publish(server, "a", "-m", "still here", *options)
        assert subscriber.lines(1) == ["still here"]


@ours_only_log
def test_a_broken_file_at_a_reload_changes_nothing(start_tls, authority, tmp_path):
    server = start_tls("max_qos 2")
    (tmp_path / "server.key").write_text("not a key")
    server.config_file.write_text(server.config_file.read_text() + "max_qos 0\n")
    reload(server, r"config.kept")
    assert re.search(rf'config.error text=".*server.conf:\d+: .* {tmp_path}/server.key',
                     server.log())
    assert s_client(server).returncode == 0
    assert not re.search(r"config.reloaded", server.log())


@ours_only_log
def test_a_certificate_that_is_revoked_at_a_reload_does_not_come_back(start_tls, authority):
    lamp = authority.issue("to_be_revoked")
    server = start_tls(mutual(authority, f"crlfile {authority.revoke()}"))
    mosquitto.publish(server, "a", "-m", "x", *trusting(authority, lamp))
    authority.revoke(lamp[0])
    reload(server, r"config.reloaded")
    done = mosquitto.run("pub", server, "-t", "a", "-m", "x", "-q", "1",
                         *trusting(authority, lamp))
    assert done.returncode != 0
    server.await_log(r'connection.failed peer=\S+ .*text="certificate revoked"')


@pytest.mark.ours_only("it starts with clear text, or says less")
@pytest.mark.parametrize("config, said", [
    ("certfile /nowhere/c.pem\nkeyfile /nowhere/k.pem",
     r"server.conf:3: .*cannot read the certificate file /nowhere/c.pem: No such file"),
    ("cafile /nowhere/ca.pem", r"server.conf:3: cafile belongs to TLS"),
    ("require_certificate true", r"server.conf:3: require_certificate belongs to TLS"),
])
def test_what_would_not_be_tls_does_not_start(tmp_path, config, said):
    (tmp_path / "server.conf").write_text(
        f"listener {free_port()} 127.0.0.1\nallow_anonymous true\n{config}\n")
    done = subprocess.run([PROGRAM, "-c", tmp_path / "server.conf"], capture_output=True,
                          text=True, timeout=PATIENCE_S)
    assert done.returncode == 3
    assert re.search(said, done.stderr), done.stderr


# ---- Load, and peers that misbehave ----

@pytest.mark.sanitizer
def test_large_messages_come_whole(start_tls, authority):
    server = start_tls()
    payload = os.urandom(LARGE)
    context = client_context(authority)
    for version in V311, V5:
        reader = TlsWire(server, context).connected(version, "reader")
        writer = TlsWire(server, context).connected(version, "writer")
        reader.send(subscribe(version, ["large"], qos=1))
        reader.expect_packet(0x90)
        writer.send(publish(version, "large", payload, qos=1))
        body = reader.expect_packet(0x32)
        assert body.endswith(payload)
        writer.expect_packet(0x40)


@pytest.mark.ours_only("threads is our own key")
@pytest.mark.sanitizer
def test_clients_on_all_threads_reach_each_other(start_tls, authority):
    server = start_tls("threads 4\nmax_queued_messages 0")
    context = client_context(authority)
    clients = [TlsWire(server, context).connected(V311, f"c{number}")
               for number in range(THREAD_CLIENTS)]
    for client in clients:
        client.send(subscribe(V311, ["all"], qos=1))
        client.expect_packet(0x90)
    for number, client in enumerate(clients):
        client.send(publish(V311, "all", f"from {number}".encode()))
    for client in clients:
        got = {client.expect_packet(0x30)[5:] for _ in clients}
        assert got == {f"from {number}".encode() for number in range(THREAD_CLIENTS)}


@pytest.mark.ours_only("its memory_limit ends it")
def test_connections_by_tls_count_for_the_memory_limit(start_tls, authority):
    server = start_tls("threads 1\nmemory_limit 2000000")
    context = client_context(authority)
    clients = []
    with pytest.raises((OSError, AssertionError)):
        for number in range(150):
            clients.append(TlsWire(server, context).connected(V311, f"c{number}"))
    assert len(clients) > 20
    server.await_log(r"connection.refused peer=\S+ reason=quota_exceeded limit=memory_limit")
    for client in clients:
        client.socket.close()
    until(lambda: mosquitto.run("pub", server, "-t", "a", "-m", "x", "-q", "1",
                                *trusting(authority)).returncode == 0, "room for another one")


@pytest.mark.ours_only("connect_timeout is our own key")
def test_half_handshakes_end_at_the_connect_timeout(start_tls, authority):
    server = start_tls(f"connect_timeout {CONNECT_TIMEOUT_S}")
    hello = client_hello()
    began = time.monotonic()
    halves = []
    for number in range(HALF_HANDSHAKES):
        half = socket.create_connection(("127.0.0.1", server.port))
        half.settimeout(PATIENCE_S)
        half.sendall(hello[:number % len(hello)])
        halves.append(half)
    ports = {str(half.getsockname()[1]) for half in halves}
    until(lambda: mosquitto.run("pub", server, "-t", "a", "-m", "x",
                                *trusting(authority)).returncode == 0, "a whole handshake")
    for half in halves:
        assert ended(half)
        half.close()
    assert lasted(began, CONNECT_TIMEOUT_S)
    told = r"peer=127\.0\.0\.1:(\d+) .*reason=connect_timeout"  # also of a tool without a processor
    until(lambda: ports <= set(re.findall(told, server.log())), "a line of each")


def client_hello():
    """The first bytes of a client of TLS."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = ssl.create_default_context().wrap_bio(incoming, outgoing, server_hostname="localhost")
    with pytest.raises(ssl.SSLWantReadError):
        client.do_handshake()
    return outgoing.read()


def ended(connection):
    """Reads to the end of a connection; true when that comes."""
    try:
        while connection.recv(4096):
            pass
    except ConnectionResetError:
        pass
    return True


@pytest.mark.sanitizer
@pytest.mark.parametrize("sent", [
    b"\x10\x0e\x00\x04MQTT\x04\x02\x00\x3c\x00\x02c1",  # a CONNECT
    b"GET / HTTP/1.1\r\nHost: h\r\n\r\n",
    bytes(range(256)) * 4,
    b"\x16\x03\x01\x40\x00" + b"\xff" * 0x4000,
], ids=["mqtt", "http", "garbage", "record"])
def test_what_is_not_tls_is_ended(start_tls, authority, sent):
    server = start_tls()
    with socket.create_connection(("127.0.0.1", server.port), PATIENCE_S) as stranger:
        with contextlib.suppress(ConnectionError):  # it may have read enough
            stranger.sendall(sent)
        assert ended(stranger)
    mosquitto.publish(server, "a", "-m", "x", *trusting(authority))
