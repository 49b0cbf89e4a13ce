# SPDX-License-Identifier: Apache-2.0
"""The files of TLS: what changes on disk is in force at once, and nobody else notices."""

import os
import re
import signal
import ssl
import threading

import pytest

import mosquitto
from certificates import Authority
from paho_client import Client
from tls import (TlsWire, after, client_context, mutual, reload, renew_certificate, replace,
                 s_client, shown_subject, trusting)
from waiting import PATIENCE_S, until
from wire import V311

pytestmark = pytest.mark.ours_only("it watches no files, and its reload ends nobody")

PAIRS = 4  # of publisher and subscriber
RELOADED, KEPT = r"credentials.reloaded", r"credentials.kept"


class Load:
    """Publishers and subscribers by TLS, at QoS 1, busy from now to expect_no_loss()."""

    def __init__(self, server, context):
        self.sent = [0] * PAIRS
        self.stopped = threading.Event()
        self.readers = [Client(server, f"reader{n}", tls=context) for n in range(PAIRS)]
        self.writers = [Client(server, f"writer{n}", tls=context) for n in range(PAIRS)]
        for number, reader in enumerate(self.readers):
            assert reader.subscribe(f"load/{number}", 1) == 1
        self.threads = [threading.Thread(target=self._write, args=[n]) for n in range(PAIRS)]
        for thread in self.threads:
            thread.start()

    def _write(self, number):
        while not self.stopped.is_set():
            info = self.writers[number].send(f"load/{number}", str(self.sent[number]), 1)
            self.sent[number] += 1
            info.wait_for_publish(PATIENCE_S)

    def expect_no_loss(self):
        """Every message has come once, and nobody was sent away."""
        until(lambda: min(self.sent) > 10, "every writer to have been busy")
        self.stopped.set()
        for thread in self.threads:
            thread.join()
        for number, reader in enumerate(self.readers):
            got = [int(message.payload) for message in reader.take(self.sent[number])]
            assert got == list(range(self.sent[number]))
        assert all(client.ended is None for client in self.readers + self.writers)
        for client in self.readers + self.writers:
            client.disconnect()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stopped.set()
        for thread in self.threads:
            thread.join()


def comes_in(server, authority, identity=()):
    done = mosquitto.run("pub", server, "-t", "a", "-m", "x", "-q", "1",
                         *trusting(authority, identity))
    return done.returncode == 0


# ---- Changes under load ----

def test_files_change_under_load_and_nothing_is_lost(start_tls, authority, tmp_path):
    stays, goes = authority.issue("stays"), authority.issue("goes")
    other = Authority(tmp_path, "other")
    cas, crl = tmp_path / "cas.pem", tmp_path / "crl.pem"
    both = authority.certificate.read_bytes() + other.certificate.read_bytes()
    cas.write_bytes(both)
    crl.write_bytes(authority.revoke().read_bytes() + other.revoke().read_bytes())
    server = start_tls(f"cafile {cas}\nrequire_certificate true\ncrlfile {crl}\nthreads 2\n"
                       "max_queued_messages 0")
    with Load(server, client_context(authority, stays)) as load:
        revoked = Client(server, "revoked", tls=client_context(authority, goes))
        strangers = client_context(authority, other.issue("stranger"))
        stranger = Client(server, "stranger", tls=strangers)

        after(server, lambda: renew_certificate(authority, tmp_path, "/CN=localhost/O=new"),
              RELOADED)
        assert "new" in shown_subject(server)
        lists = authority.revoke(goes[0]).read_bytes() + other.crl.read_bytes()
        after(server, lambda: replace(crl, lists), RELOADED)
        revoked.expect_end(0x87)
        server.await_log(r'client.disconnected id="revoked" .* reason=access_withdrawn '
                         r'text="certificate revoked"')
        assert not comes_in(server, authority, goes)

        after(server, lambda: replace(cas, "nothing"), KEPT)
        assert re.search(rf"config.error .*cannot use the CA file {cas}", server.log())
        assert comes_in(server, authority, stays)
        after(server, lambda: replace(cas, authority.certificate.read_bytes()), RELOADED)
        stranger.expect_end(0x87)
        server.await_log(r'client.disconnected id="stranger" .* reason=access_withdrawn text=')
        after(server, lambda: replace(cas, both), RELOADED)
        Client(server, "back", tls=strangers).disconnect()
        load.expect_no_loss()
    assert len(re.findall("access_withdrawn", server.log())) == 2


@pytest.mark.sanitizer
def test_a_revoked_certificate_is_ended_at_sighup_too(start_tls, authority):
    lamp, other = authority.issue("lamp1"), authority.issue("lamp2")
    server = start_tls(mutual(authority, f"crlfile {authority.revoke()}\ntls_watch_files false"))
    with mosquitto.Subscriber(server, "-t", "a", "-i", "lamp1", *trusting(authority, lamp)), \
            mosquitto.Subscriber(server, "-t", "a", *trusting(authority, other)) as stays:
        authority.revoke(lamp[0])
        reload(server, r"config.reloaded")
        server.await_log(r'client.disconnected id="lamp1" .* reason=access_withdrawn '
                         r'text="certificate revoked"')
        mosquitto.publish(server, "a", "-m", "still", *trusting(authority, other))
        assert stays.lines(1) == ["still"]


def test_who_came_by_a_websocket_is_judged_as_well(start_tls, authority):
    lamp = authority.issue("lamp6")
    server = start_tls(mutual(authority, f"protocol websockets\ncrlfile {authority.revoke()}"))
    client = Client(server, "web", tls=client_context(authority, lamp), transport="websockets")
    after(server, lambda: authority.revoke(lamp[0]), RELOADED)
    client.expect_end(0x87)
    server.await_log(r'client.disconnected id="web" .*text="certificate revoked"')


def test_a_will_is_published_when_its_client_is_revoked(start_tls, authority):
    lamp, other = authority.issue("lamp3"), authority.issue("lamp4")
    server = start_tls(mutual(authority, f"crlfile {authority.revoke()}"))
    with mosquitto.Subscriber(server, "-t", "w", *trusting(authority, other)) as reader, \
            mosquitto.Subscriber(server, "-t", "a", "--will-topic", "w", "--will-payload", "gone",
                                 *trusting(authority, lamp)):
        after(server, lambda: authority.revoke(lamp[0]), RELOADED)
        assert reader.lines(1) == ["gone"]


@pytest.mark.sanitizer
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_ticket_does_not_bring_a_revoked_certificate_back(start_tls, authority, version):
    lamp = authority.issue(f"ticket{version.name}")
    context = client_context(authority, lamp, version)
    server = start_tls(mutual(authority, f"crlfile {authority.revoke()}"))
    first = TlsWire(server, context).connected(V311, "first")
    again = TlsWire(server, context, session=first.socket.session).connected(V311, "again")
    assert again.socket.session_reused
    session = again.socket.session
    after(server, lambda: authority.revoke(lamp[0]), RELOADED)
    for client in "first", "again":
        server.await_log(rf'client.disconnected id="{client}" .*text="certificate revoked"')
    with pytest.raises((ssl.SSLError, ConnectionError, AssertionError)):
        TlsWire(server, context, session=session).connected(V311, "third")
    server.await_log(r'connection.failed peer=\S+ .*text="certificate revoked"')
    assert 'client.connected id="third"' not in server.log()


def test_clients_on_all_threads_are_judged(start_tls, authority):
    good, bad = authority.issue("many_good"), authority.issue("many_bad")
    server = start_tls(mutual(authority, f"crlfile {authority.revoke()}\nthreads 4"))
    goods = [TlsWire(server, client_context(authority, good)).connected(V311, f"good{n}")
             for n in range(20)]
    bads = [TlsWire(server, client_context(authority, bad)).connected(V311, f"bad{n}")
            for n in range(20)]
    after(server, lambda: authority.revoke(bad[0]), RELOADED)
    for client in bads:
        client.expect_end()
    for client in goods:
        client.send("c0 00")
        client.expect_packet(0xD0)


# ---- How files are changed ----

def test_certificates_are_renewed_as_certbot_does(start_server, authority, tmp_path):
    live, archive = tmp_path / "live", tmp_path / "archive"
    live.mkdir()
    archive.mkdir()

    def renew(number):
        renew_certificate(authority, tmp_path, f"/CN=localhost/O=number{number}")
        for name, source in ("cert", "server.pem"), ("privkey", "server.key"):
            (tmp_path / source).rename(archive / f"{name}{number}.pem")
            (live / f"{name}.new").symlink_to(f"../archive/{name}{number}.pem")
            (live / f"{name}.new").replace(live / f"{name}.pem")

    renew(1)
    server = start_server(listener="listener {port} 127.0.0.1\n"
                          f"certfile {live}/cert.pem\nkeyfile {live}/privkey.pem")
    assert "number1" in shown_subject(server)
    for number in 2, 3:
        after(server, lambda which=number: renew(which), RELOADED)
        assert f"number{number}" in shown_subject(server)


def test_certificates_are_renewed_as_kubernetes_does(start_server, authority, tmp_path):
    volume = tmp_path / "volume"
    volume.mkdir()

    def renew(number):
        (volume / f"..{number}").mkdir()
        renew_certificate(authority, volume / f"..{number}", f"/CN=localhost/O=number{number}")
        (volume / "..data_tmp").symlink_to(f"..{number}")
        (volume / "..data_tmp").replace(volume / "..data")

    renew(1)
    for name in "server.pem", "server.key":
        (volume / name).symlink_to(f"..data/{name}")
    server = start_server(listener="listener {port} 127.0.0.1\n"
                          f"certfile {volume}/server.pem\nkeyfile {volume}/server.key")
    for number in 2, 3:
        after(server, lambda which=number: renew(which), RELOADED)
        assert f"number{number}" in shown_subject(server)


def test_half_of_a_pair_changes_nothing_until_the_other_half_is_there(
        start_tls, authority, tmp_path):
    server = start_tls()
    certificate, key = authority.issue("server", "/CN=localhost/O=renewed", "server")
    after(server, lambda: replace(tmp_path / "server.pem", certificate.read_bytes()), KEPT)
    assert re.search(rf"config.error .*the key file {tmp_path}/server.key does not belong",
                     server.log())
    assert "renewed" not in shown_subject(server)
    after(server, lambda: replace(tmp_path / "server.key", key.read_bytes()), RELOADED)
    assert "renewed" in shown_subject(server)


def test_a_folder_of_authorities_is_watched(start_tls, authority, tmp_path):
    folder = tmp_path / "cas"
    folder.mkdir()
    lamp = authority.issue("lamp5")
    (folder / "ca.pem").write_bytes(authority.certificate.read_bytes())
    os.system(f"openssl rehash {folder}")
    server = start_tls(f"capath {folder}\nrequire_certificate true")
    with mosquitto.Subscriber(server, "-t", "a", "-i", "lamp", *trusting(authority, lamp)):
        def clear():
            for path in folder.iterdir():
                path.unlink()

        after(server, clear, RELOADED)
        server.await_log(r'client.disconnected id="lamp" .* reason=access_withdrawn')


def test_what_is_touched_but_not_changed_is_not_told_twice(start_tls, authority, tmp_path):
    server = start_tls()
    (tmp_path / "unrelated").write_text("x")
    renewed = re.compile(RELOADED)
    after(server, lambda: renew_certificate(authority, tmp_path, "/CN=localhost/O=1"), RELOADED)
    after(server, lambda: server.signal(signal.SIGHUP), r"config.reloaded")
    assert len(renewed.findall(server.log())) == 1


def test_watching_can_be_turned_off_and_on(start_tls, authority, tmp_path):
    server = start_tls("tls_watch_files false")
    renew_certificate(authority, tmp_path, "/CN=localhost/O=1")
    config = server.config_file.read_text()
    server.config_file.write_text(config.replace("tls_watch_files false", ""))
    reload(server, r"config.reloaded")
    assert "credentials.reloaded" not in server.log()
    assert "O = 1" in shown_subject(server)
    after(server, lambda: renew_certificate(authority, tmp_path, "/CN=localhost/O=2"), RELOADED)


# ---- Names ----

def test_a_client_is_shown_the_certificate_for_the_name_it_asks_for(
        start_tls, authority, tmp_path):
    def issue(name, names):
        certificate, key = authority.issue(name, f"/CN={name}", "server", names=names)
        return f"sni_certificate {certificate} {key}\n", certificate

    one, certificate = issue("one", "DNS:one.example, DNS:uno.example")
    server = start_tls(one + issue("any", "DNS:*.lamps.example")[0])
    for name, wanted in [("one.example", "one"), ("uno.example", "one"),
                         ("a.lamps.example", "any"), ("lamps.example", "localhost"),
                         ("other.example", "localhost")]:
        for version in "-tls1_2", "-tls1_3":
            assert f"CN = {wanted}" in shown_subject(server, version, "-servername", name)
    assert "CN = localhost" in shown_subject(server, "-noservername")
    after(server, lambda: authority.issue("one", "/CN=two", "server", names="DNS:one.example"),
          RELOADED)
    assert "CN = two" in shown_subject(server, "-servername", "one.example")
    after(server, lambda: replace(certificate, "nothing"), KEPT)
    assert re.search(rf"config.error .*cannot use the certificate file {certificate}", server.log())


# ---- OCSP ----

def test_a_response_is_stapled_and_renewed(start_tls, authority, tmp_path):
    renew_certificate(authority, tmp_path, "/CN=localhost")
    stapled = tmp_path / "ocsp.der"
    authority.respond(tmp_path / "server.pem", stapled)
    # The server's certificate is issued anew at its start, so its response is one for another.
    server = start_tls()
    config = server.config_file.read_text()
    server.config_file.write_text(config + f"ocsp_file {stapled}\n")
    reload(server, r"config.kept")
    assert re.search(rf"config.error .*the OCSP file {stapled} is for another certificate",
                     server.log())
    authority.respond(tmp_path / "server.pem", stapled)
    reload(server, r"config.reloaded")
    for version in "-tls1_2", "-tls1_3":
        said = s_client(server, version, "-status", "-CAfile", authority.certificate).stdout
        assert "OCSP Response Status: successful" in said
        assert "Cert Status: good" in said
    assert "OCSP" not in s_client(server).stdout
    after(server, lambda: replace(stapled, "nothing"), KEPT)
    assert re.search(rf"config.error .*cannot use the OCSP file {stapled}", server.log())
    assert "Cert Status: good" in s_client(server, "-status").stdout
