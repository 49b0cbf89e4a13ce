# SPDX-License-Identifier: Apache-2.0
"""TLS by pre-shared keys in the place of certificates, with Mosquitto's own clients."""

import re
import subprocess

import pytest

import mosquitto
from server import PROGRAM, free_port
from tls import after, reload, replace, s_client
from waiting import PATIENCE_S

LAMP = "00112233445566778899aabbccddeeff"
DOOR = "ffeeddccbbaa99887766554433221100"
MESSAGES = 3000

ours_only_log = pytest.mark.ours_only("it reads our log")


@pytest.fixture
def start_psk(start_server, tmp_path):
    """A function that starts a server with keys of a lamp and a door, with more lines if given."""
    def start(config="", keys=f"lamp:{LAMP}\ndoor:{DOOR}\n", **options):
        (tmp_path / "keys").write_text(keys)
        (tmp_path / "keys").chmod(0o600)
        return start_server(f"psk_file {tmp_path}/keys\npsk_hint garden\n{config}", **options)

    return start


def having(identity, key, *more):
    """The tools' options of a client with a key."""
    return ["--psk", key, "--psk-identity", identity, *more]


def shake_hands(server, version, identity, key, *more):
    return s_client(server, f"-tls1_{version[-1]}", "-psk", key, "-psk_identity", identity, *more)


@pytest.mark.sanitizer
def test_messages_pass_by_keys(start_psk):
    server = start_psk()
    with mosquitto.Subscriber(server, "-t", "a", *having("lamp", LAMP)) as subscriber:
        mosquitto.publish(server, "a", "-m", "secret", "-q", "2", *having("door", DOOR))
        assert subscriber.lines(1) == ["secret"]


@pytest.mark.sanitizer
@pytest.mark.parametrize("version, cipher, said", [
    ("1.2", "ECDHE-PSK-CHACHA20-POLY1305", "New, TLSv1.2, Cipher is ECDHE-PSK-CHACHA20-POLY1305"),
    ("1.2", "PSK-AES128-GCM-SHA256", "New, TLSv1.2, Cipher is PSK-AES128-GCM-SHA256"),
    pytest.param("1.2", "PSK-AES128-CCM", "New, TLSv1.2, Cipher is PSK-AES128-CCM",
                 marks=pytest.mark.ours_only("its default leaves CCM out")),
    ("1.3", "PSK", "Reused, TLSv1.3, Cipher is TLS_"),
])
def test_both_versions_of_tls_know_keys(start_psk, version, cipher, said):
    server = start_psk()
    done = shake_hands(server, version, "lamp", LAMP, "-cipher", cipher)
    assert said in done.stdout, done.stdout
    assert done.returncode == 0


def test_a_hint_is_told_to_clients_of_1_2(start_psk):
    assert "PSK identity hint: garden" in shake_hands(start_psk(), "1.2", "lamp", LAMP).stdout


@pytest.mark.ours_only("its default leaves CBC and keys without forward secrecy in")
def test_no_weak_cipher_is_spoken_by_keys(start_psk):
    server = start_psk()
    names = subprocess.run(["openssl", "ciphers", "-s", "-tls1_2", "-psk",
                            "ALL:COMPLEMENTOFALL:@SECLEVEL=0"], capture_output=True, text=True,
                           check=True).stdout.strip().split(":")
    spoken = {name for name in names if "PSK" in name and shake_hands(
        server, "1.2", "lamp", LAMP, "-cipher", f"{name}:@SECLEVEL=0").returncode == 0}
    assert spoken == {
        "ECDHE-PSK-CHACHA20-POLY1305", "PSK-CHACHA20-POLY1305", "PSK-AES256-GCM-SHA384",
        "PSK-AES128-GCM-SHA256", "PSK-AES256-CCM", "PSK-AES128-CCM"}
    # Where both can more, it is the one with forward secrecy.
    assert "Cipher is ECDHE-PSK" in shake_hands(
        server, "1.2", "lamp", LAMP, "-cipher", "PSK").stdout


@pytest.mark.ours_only("it tells that an identity is unknown")
@pytest.mark.sanitizer
@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_who_guesses_does_not_learn_whether_it_is_the_identity_or_the_key(start_psk, version):
    server = start_psk()
    told = [re.findall(r":error:.*|SSL alert number \d+",
                       re.sub(r"^[0-9A-F]+", "", shake_hands(server, version, *claim).stderr,
                              flags=re.MULTILINE))
            for claim in [("lamp", DOOR), ("nobody", LAMP), ("", LAMP)]]
    assert told[0] and told[0] == told[1]


@ours_only_log
def test_the_log_says_which_it_is(start_psk):
    server = start_psk()
    mosquitto.run("pub", server, "-t", "a", "-m", "x", *having("nobody", LAMP))
    server.await_log(r'connection.failed .*text="its pre-shared key\'s identity is unknown"')
    mosquitto.run("pub", server, "-t", "a", "-m", "x", *having("lamp", DOOR))
    server.await_log(r'connection.failed peer=\S+ .*text="binder does not verify"')


@ours_only_log
@pytest.mark.sanitizer
def test_the_identity_is_the_user_name(start_psk, tmp_path):
    (tmp_path / "acl").write_text("user lamp\ntopic readwrite lamps/#\n")
    server = start_psk(f"use_identity_as_username true\nallow_anonymous false\nthreads 4\n"
                       f"acl_file {tmp_path}/acl")
    with mosquitto.Subscriber(server, "-t", "#", *having("lamp", LAMP)) as subscriber:
        for number in range(4):  # some of them have to move to another thread
            mosquitto.publish(server, f"lamps/{number}", "-m", "yes", "-q", "1", "-i",
                              f"c{number}", "-u", "door", "-P", "x", *having("lamp", LAMP))
            assert 'user="lamp"' in server.await_log(rf'connected id="c{number}" .*').group(0)
            mosquitto.run("pub", server, "-t", f"lamps/{number}", "-m", "no", "-q", "1",
                          *having("door", DOOR))
        assert subscriber.lines(4) == ["yes"] * 4


def test_without_use_identity_the_identity_is_no_user_name(start_psk):
    server = start_psk("allow_anonymous false")
    done = mosquitto.run("pub", server, "-t", "a", "-m", "x", *having("lamp", LAMP))
    assert done.returncode != 0


@pytest.mark.ours_only("it takes the leading zeros for nothing")
def test_a_key_may_begin_with_zeros_or_have_an_odd_number_of_digits(start_psk):
    server = start_psk(keys="zeros:0000aabb\nodd:abc\n")
    for identity, key in ("zeros", "0000aabb"), ("odd", "abc"), ("odd", "0abc"):
        mosquitto.publish(server, "a", "-m", "x", *having(identity, key))


@pytest.mark.ours_only("listener_psk_file is our own key")
def test_listeners_may_have_keys_of_their_own(start_psk, tmp_path):
    (tmp_path / "own").write_text(f"lamp:{DOOR}\n")
    other = free_port()
    server = start_psk(f"listener {other} 127.0.0.1\npsk_hint other\n"
                       f"listener_psk_file {tmp_path}/own")
    mosquitto.publish(server, "a", "-m", "x", *having("lamp", LAMP))
    server.tool_options[-1] = str(other)
    mosquitto.publish(server, "a", "-m", "x", *having("lamp", DOOR))
    assert mosquitto.run("pub", server, "-t", "a", "-m", "x",
                         *having("lamp", LAMP)).returncode != 0


# ---- Changes ----

@ours_only_log
@pytest.mark.sanitizer
@pytest.mark.parametrize("how", ["SIGHUP", "watched"])
def test_whose_key_is_gone_or_changed_is_ended_at_once_and_others_stay(start_psk, tmp_path, how):
    server = start_psk(f"tls_watch_files {str(how == 'watched').lower()}",
                       keys=f"lamp:{LAMP}\ndoor:{DOOR}\ngate:{LAMP}\n")
    with mosquitto.Subscriber(server, "-t", "a", "-i", "lamp", *having("lamp", LAMP)) as stays, \
            mosquitto.Subscriber(server, "-t", "a", "-i", "door", *having("door", DOOR)), \
            mosquitto.Subscriber(server, "-t", "a", "-i", "gate", *having("gate", LAMP)):
        keys = f"# door is gone\nlamp:{LAMP}\ngate:{DOOR}\n"
        if how == "SIGHUP":
            (tmp_path / "keys").write_text(keys)
            reload(server, r"config.reloaded")
        else:
            after(server, lambda: replace(tmp_path / "keys", keys), r"credentials.reloaded")
        server.await_log(r'client.disconnected id="door" .* reason=access_withdrawn '
                         r'text="its pre-shared key is gone"')
        server.await_log(r'client.disconnected id="gate" .* reason=access_withdrawn '
                         r'text="its pre-shared key has changed"')
        mosquitto.publish(server, "a", "-m", "new", *having("gate", DOOR))
        assert stays.lines(1) == ["new"]
        assert mosquitto.run("pub", server, "-t", "a", "-m", "x",
                             *having("gate", LAMP)).returncode != 0
        assert 'client.disconnected id="lamp"' not in server.log()


@ours_only_log
def test_keys_change_under_load_and_nothing_is_lost(start_psk, tmp_path):
    server = start_psk("threads 2\nmax_queued_messages 0")
    lines = "".join(f"{number}\n" for number in range(MESSAGES))
    with mosquitto.Subscriber(server, "-t", "load", "-q", "1", "-i", "reader",
                              *having("lamp", LAMP)) as subscriber:
        writer = subprocess.Popen(
            ["mosquitto_pub", *server.tool_options, "-t", "load", "-q", "1", "-l", "-i", "writer",
             *having("lamp", LAMP)], stdin=subprocess.PIPE, text=True)
        for number in range(3):
            writer.stdin.write(lines[number * len(lines) // 4:(number + 1) * len(lines) // 4])
            writer.stdin.flush()
            change = f"lamp:{LAMP}\nnew{number}:{DOOR}\n"
            after(server, lambda text=change: replace(tmp_path / "keys", text),
                  r"credentials.reloaded")
            mosquitto.publish(server, "a", "-m", "x", *having(f"new{number}", DOOR))
        writer.stdin.write(lines[3 * len(lines) // 4:])
        writer.stdin.close()
        assert writer.wait(PATIENCE_S) == 0
        assert subscriber.lines(MESSAGES) == lines.split()
    assert not re.search(r'client.disconnected id="(reader|writer)".*reason=access_withdrawn',
                         server.log())


@ours_only_log
def test_a_broken_file_of_keys_changes_nothing_and_says_where(start_psk, tmp_path):
    server = start_psk()
    with mosquitto.Subscriber(server, "-t", "a", *having("lamp", LAMP)) as subscriber:
        after(server, lambda: replace(tmp_path / "keys", f"door:{DOOR}\nlamp:no key\n"),
              r"credentials.kept")
        assert re.search(rf'config.error text="{tmp_path}/keys:2: what follows the \':\' is not',
                         server.log())
        assert "no key" not in server.log()
        mosquitto.publish(server, "a", "-m", "still", *having("lamp", LAMP))
        assert subscriber.lines(1) == ["still"]
        after(server, lambda: replace(tmp_path / "keys", f"lamp:{LAMP}\n"),
              r"credentials.reloaded")
    assert mosquitto.run("pub", server, "-t", "a", "-m", "x",
                         *having("door", DOOR)).returncode != 0


@pytest.mark.ours_only("it starts, or says less")
@pytest.mark.parametrize("config, said", [
    ("psk_hint x", r"server.conf:3: psk_hint needs a psk_file"),
    ("psk_file /nowhere/keys\npsk_hint x", r"/nowhere/keys: cannot be read: No such file"),
    ("psk_file {keys}\npsk_hint x", r"keys:1: what follows the ':' is not a key"),
    ("psk_file {keys}\npsk_hint x\ncertfile /c\nkeyfile /k",
     r"server.conf:4: psk_hint cannot be beside certfile"),
])
def test_what_would_let_nobody_in_does_not_start(tmp_path, config, said):
    keys = tmp_path / "keys"
    keys.write_text("lamp:nothing\n")
    (tmp_path / "server.conf").write_text(
        f"listener {free_port()} 127.0.0.1\nallow_anonymous true\n{config.format(keys=keys)}\n")
    done = subprocess.run([PROGRAM, "-c", tmp_path / "server.conf"], capture_output=True,
                          text=True, timeout=PATIENCE_S)
    assert done.returncode == 3
    assert re.search(said, done.stderr), done.stderr
