# SPDX-License-Identifier: Apache-2.0
"""Certificates for a test, made by the openssl command as a user would make them."""

import os
import subprocess

from waiting import PATIENCE_S

EC = ("ec", "ec_paramgen_curve:P-256")
RSA = ("rsa", "rsa_keygen_bits:2048")

_CONFIG = """
[req]
distinguished_name = name
[name]
[authority]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
[server]
subjectAltName = ${{ENV::NAMES}}, IP:127.0.0.1
[client]
extendedKeyUsage = clientAuth
[ca]
default_ca = lists
[lists]
unique_subject = no
database = {folder}/index
crlnumber = {folder}/crlnumber
default_md = sha256
default_crl_days = 1
"""


def openssl(*arguments, stdin="", **environment):
    """Runs the command; returns its status and what it says."""
    return subprocess.run(["openssl", *map(str, arguments)], input=stdin, text=True,
                          capture_output=True, timeout=PATIENCE_S,
                          env={**os.environ, **environment})


def _made(*arguments, NAMES="DNS:localhost"):
    done = openssl(*arguments, NAMES=NAMES)
    assert done.returncode == 0, done.stderr


class Authority:
    """A certificate authority with a folder of its own; what it makes lies there."""

    def __init__(self, folder, name="authority"):
        self.folder = folder / name
        self.folder.mkdir()
        self.config = self.folder / "openssl.cnf"
        self.config.write_text(_CONFIG.format(folder=self.folder))
        (self.folder / "index").touch()
        (self.folder / "crlnumber").write_text("01\n")
        self.certificate = self.folder / "ca.pem"
        self.key = self.folder / "ca.key"
        self.crl = self.folder / "crl.pem"
        _made("req", "-x509", "-config", self.config, "-extensions", "authority",
              "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
              "-keyout", self.key, "-out", self.certificate, "-subj", f"/CN={name}", "-days", "2")

    def issue(self, name, subject=None, kind="client", key=EC, names="DNS:localhost"):
        """Writes NAME.pem and NAME.key, over older ones; returns their paths.

        names: the subjectAltName of a server, besides 127.0.0.1.
        """
        certificate, private = self.folder / f"{name}.pem", self.folder / f"{name}.key"
        request = self.folder / f"{name}.csr"
        _made("req", "-new", "-config", self.config, "-newkey", key[0], "-pkeyopt", key[1],
              "-nodes", "-keyout", private, "-out", request, "-subj", subject or f"/CN={name}",
              "-utf8")
        _made("x509", "-req", "-in", request, "-CA", self.certificate, "-CAkey", self.key,
              "-CAcreateserial", "-extfile", self.config, "-extensions", kind,
              "-out", certificate, "-days", "2", NAMES=names)
        return certificate, private

    def respond(self, certificate, path, days=1):
        """Writes an OCSP response that says that a certificate is good."""
        request = self.folder / "request.der"
        _made("ca", "-config", self.config, "-keyfile", self.key, "-cert", self.certificate,
              "-valid", certificate)
        _made("ocsp", "-issuer", self.certificate, "-cert", certificate, "-reqout", request)
        _made("ocsp", "-index", self.folder / "index", "-rsigner", self.certificate,
              "-rkey", self.key, "-CA", self.certificate, "-reqin", request, "-respout", path,
              "-ndays", days)

    def revoke(self, *certificates):
        """Writes the list of revoked certificates, with these added; returns its path."""
        for certificate in certificates:
            _made("ca", "-config", self.config, "-keyfile", self.key, "-cert", self.certificate,
                  "-revoke", certificate)
        _made("ca", "-config", self.config, "-keyfile", self.key, "-cert", self.certificate,
              "-gencrl", "-out", self.crl)
        return self.crl
