# SPDX-License-Identifier: Apache-2.0
"""The configurations of tests/configs, written anew for a place where a test may start them.

tests/configs/README.md says what is rewritten, and what is made for the files that one names.
"""

import os
import re
import shutil
import subprocess
from pathlib import Path

from access import write_passwords
from server import REPOSITORY, free_port

FOLDER = REPOSITORY / "tests" / "configs"
MAIN = "mosquitto.conf"  # of a configuration that is a folder

PEOPLE = {"admin": "all of it", "alice": "wonder", "bob": "builder"}
PSK_KEYS = {"admin": "a0" * 16, "alice": "a1" * 16, "bob": "b0" * 16, "anonymous": "c0" * 16}

# For the first acl_file of a configuration, and for every other one.
RULES = ("""\
topic read home/+/light
topic read $SYS/#
user admin
topic #
topic $SYS/#
user CN=admin
topic #
user alice
topic home/#
topic deny home/safe/door
topic read tele/+/STATE
user bob
topic write cmnd/#
topic read home/#
pattern devices/%c/#
pattern read users/%u/in
pattern write users/%u/out
""", """\
topic home/#
user admin
topic #
user alice
topic deny home/#
topic tele/#
""")

BRIDGE_KEYS = re.compile(
    r"connection|address(es)?|topic|bridge_\S+|cleansession|local_\S+|remote_\S+|clientid|username|"
    r"password|keepalive_interval|idle_timeout|threshold|start_type|restart_timeout|round_robin|"
    r"try_private|notification\S*")
PLUGIN_KEYS = re.compile(r"(global_|auth_)?plugin|plugin_\S+|auth_opt_\S+")
DIRECTORIES = {"persistence_location", "http_dir", "include_dir"}
NEWER = re.compile(r"# Newer than Mosquitto 2\.0: (.*)\.")


class Listener:
    """A door that the configuration opens; options are its keys, the last value of each."""

    def __init__(self, port, path=None, host="127.0.0.1", options=None):
        self.port, self.path, self.host = port, path, host
        self.options = {} if options is None else options

    def has(self, key):
        return self.options.get(key) in ("true", "1")

    def __repr__(self):
        return str(self.path or self.port)


class Configuration:
    """One of tests/configs: what it says, and whom it is for."""

    def __init__(self, path):
        self.name = path.stem
        self.path = path
        main = path / MAIN if path.is_dir() else path
        self.lines = main.read_bytes().decode().split("\n")
        self.included = sorted(path.glob("conf.d/*")) if path.is_dir() else []
        everything = "\n".join([*self.lines, *(file.read_text() for file in self.included)])
        told = NEWER.search(everything)
        self.newer = told[1].split(", ") if told else []
        refused = re.search(r"^(connection|plugin) ", everything, re.MULTILINE)
        self.refused = refused and refused[1]  # the key that stops ours


def all_configurations():
    """Every configuration by its name."""
    paths = [path for path in sorted(FOLDER.iterdir()) if path.is_dir() or path.suffix == ".conf"]
    return {path.stem: Configuration(path) for path in paths}


class Rewriter:
    """Writes a configuration to a directory: main_file is the one to start with.

    without: a predicate on keys; lines with such a key are left out.
    """

    def __init__(self, configuration, directory, files, without=lambda key: False):
        self.configuration = configuration
        self.directory = Path(directory)
        self.files = files
        self.without = without
        self.listeners = []
        self.before = {}  # the options before any listener, which the default one has
        self.ports = {}
        self.closed_port = free_port()  # nobody listens there: where the bridges go
        self.default_at = None  # the default listener, made by port, bind_address and the like
        self.has_user = False
        self.has_nodelay = False
        self.made = {"password_file": [], "acl_file": []}
        self.main_file = self.directory / MAIN

    def write(self, added=""):
        """Writes all its files; added: lines for the end."""
        self.directory.mkdir(parents=True)
        text = "\n".join(self._lines(self.configuration.lines))
        if self.default_at is not None and "bind_address" not in self.default_at.options:
            added = "bind_address 127.0.0.1\n" + added
        if os.geteuid() == 0 and not self.has_user:
            added += "user root\n"
        if not self.has_nodelay:
            added += "set_tcp_nodelay true\n"
        self.main_file.write_bytes(f"{text}\n{added}".encode())
        if not self.listeners:  # only this machine's clients, on the port of the command line
            self.listeners.append(Listener(free_port()))
            return ["-p", str(self.listeners[0].port)]
        return []

    def _lines(self, lines):
        written = []
        for line in lines:
            body, end = (line[:-1], "\r") if line.endswith("\r") else (line, "")
            key, _, value = body.strip().partition(" ")
            if not key or key.startswith("#"):
                written.append(line)
            elif not self.without(key):
                written.append(f"{key} {self._value(key, value.strip())}{end}")
        return written

    def _value(self, key, value):
        """The value that takes this one's place; what it names is made."""
        special = getattr(self, f"_{key}", None)
        if special:
            value = special(value)
        elif key in DIRECTORIES or key.endswith(("file", "capath")) and key != "persistence_file":
            value = str(self._made(key, value))
        elif key in ("address", "addresses"):
            value = f"127.0.0.1:{self.closed_port}"
        (self.listeners[-1].options if self.listeners else self.before)[key] = value
        return value

    def _free(self, port):
        return self.ports.setdefault(int(port, 0), free_port())

    def _default(self):
        if self.default_at is None:
            self.default_at = Listener(self._free("1883"), options=dict(self.before))
            self.listeners.append(self.default_at)
        return self.default_at

    def _listener(self, value):
        number, _, place = value.partition(" ")
        place, hash_sign, comment = place.partition("#")
        place = place.strip()
        if place.startswith("/"):
            self.listeners.append(Listener(0, self._below(place)))
            self._below(place).parent.mkdir(parents=True, exist_ok=True)
            return f"0 {self._below(place)}"
        host = place if place in ("127.0.0.1", "::1") else "127.0.0.1"
        self.listeners.append(Listener(self._free(number), host=host))
        return f"{self._free(number)} {host} {hash_sign}{comment}".strip()

    def _port(self, value):
        number, space, rest = value.partition(" ")
        self._default().port = self._free(number)
        return f"{self._free(number)}{space}{rest}"

    def _bind_address(self, _):
        return self._default().host

    def _bind_interface(self, _):
        return "lo"

    def _user(self, value):
        self.has_user = True
        return "root" if os.geteuid() == 0 else value

    def _set_tcp_nodelay(self, value):
        self.has_nodelay = True
        return value

    def _log_dest(self, value):
        place, _, path = value.partition(" ")
        return f"{place} {self._made('log_file', path)}" if place == "file" else value

    def _control_socket(self, value):
        self._below(value).parent.mkdir(parents=True, exist_ok=True)
        return str(self._below(value))

    def _below(self, path):
        return self.directory / path.lstrip("/")

    def _made(self, key, value):
        """The file or directory of this name, below our directory, with what it is to have."""
        path = self._below(value)
        (path if key in DIRECTORIES else path.parent).mkdir(parents=True, exist_ok=True)
        if key == "http_dir":
            (path / "index.html").write_text("A page.\n")
        if key == "include_dir":
            for file in self.configuration.included:
                lines = self._lines(file.read_text().split("\n"))
                (path / file.name).write_text("\n".join(lines))
        kind = key.removeprefix("listener_").removeprefix("bridge_")
        if kind in self.made:
            paths = self.made[kind]
            if path not in paths:
                paths.append(path)
            self._copy(self.files[kind][min(paths.index(path), 1)], path)
        elif kind == "capath":
            shutil.copytree(self.files[kind], path, dirs_exist_ok=True)
        elif kind in self.files:
            self._copy(self.files[kind], path)
        return path

    @staticmethod
    def _copy(source, path):
        shutil.copy(source, path)
        path.chmod(0o600)


def made_files(folder, authority):
    """What stands in the files that configurations name, by their keys.

    The second of a configuration's password files has no bob.
    """
    certificate, private = authority.issue("server", "/CN=localhost", "server")
    some = {name: password for name, password in PEOPLE.items() if name != "bob"}
    (folder / "capath").mkdir()
    shutil.copy(authority.certificate, folder / "capath" / "ca.pem")
    subprocess.run(["openssl", "rehash", folder / "capath"], check=True, capture_output=True)
    for number, rules in enumerate(RULES):
        (folder / f"rules{number}").write_text(rules)
    (folder / "keys").write_text("".join(f"{name}:{key}\n" for name, key in PSK_KEYS.items()))
    authority.issue("revoked")
    write_passwords(folder / "passwords0", PEOPLE)
    write_passwords(folder / "passwords1", some)
    return {
        "password_file": [folder / "passwords0", folder / "passwords1"],
        "acl_file": [folder / "rules0", folder / "rules1"],
        "psk_file": folder / "keys",
        "certfile": certificate, "keyfile": private, "cafile": authority.certificate,
        "capath": folder / "capath",
        "crlfile": authority.revoke(authority.folder / "revoked.pem"),
    }
