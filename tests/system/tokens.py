# SPDX-License-Identifier: Apache-2.0
"""JSON Web Tokens and the keys for them, made by the openssl command and Python's hmac."""

import base64
import hashlib
import hmac
import json
import subprocess
import time

SECRET = "a secret that has more than 32 bytes in it"
HALF = 32  # bytes of each number of an ES256 signature


def _text(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _openssl(*arguments, data=b""):
    return subprocess.run(["openssl", *map(str, arguments)], input=data, capture_output=True,
                          check=True).stdout


def _halves(signature):
    """The two numbers of an ECDSA signature, out of its ASN.1."""
    numbers, at = b"", 2
    for _ in range(2):
        size = signature[at + 1]
        numbers += signature[at + 2:at + 2 + size].lstrip(b"\0").rjust(HALF, b"\0")
        at += 2 + size
    return numbers


class Keys:
    """A pair of keys for each public algorithm, in files of their own."""

    def __init__(self, folder):
        self.private, self.public = {}, {}
        for name, kind in (("RS256", ("RSA", "rsa_keygen_bits:2048")),
                           ("ES256", ("EC", "ec_paramgen_curve:P-256"))):
            self.private[name] = folder / f"{name}.key"
            self.public[name] = folder / f"{name}.pem"
            _openssl("genpkey", "-algorithm", kind[0], "-pkeyopt", kind[1],
                     "-out", self.private[name])
            _openssl("pkey", "-in", self.private[name], "-pubout", "-out", self.public[name])
        self.secret = folder / "secret"
        self.secret.write_text(SECRET)
        self.secret.chmod(0o600)

    def set(self):
        """The EC key and the secret as JWKS; openssl prints a point at the end of its DER."""
        der = _openssl("pkey", "-in", self.private["ES256"], "-pubout", "-outform", "DER")
        return json.dumps({"keys": [
            {"kty": "EC", "kid": "e", "crv": "P-256", "use": "sig",
             "x": _text(der[-2 * HALF:-HALF]), "y": _text(der[-HALF:])},
            {"kty": "oct", "kid": "h", "k": _text(SECRET.encode())}]})

    def token(self, algorithm, claims=None, header=None, **more):
        """A token for alice, good for an hour, but for what is said."""
        claims = claims or {"sub": "alice", "exp": int(time.time()) + 3600, **more}
        header = header or {"alg": algorithm, "typ": "JWT"}
        signed = ".".join(_text(json.dumps(part).encode()) for part in (header, claims))
        if algorithm == "HS256":
            signature = hmac.digest(SECRET.encode(), signed.encode(), hashlib.sha256)
        else:
            signature = _openssl("dgst", "-sha256", "-sign", self.private[algorithm],
                                 data=signed.encode())
            signature = _halves(signature) if algorithm == "ES256" else signature
        return f"{signed}.{_text(signature)}"
