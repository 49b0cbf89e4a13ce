# SPDX-License-Identifier: Apache-2.0
"""Command lines of mosquitto_pub, mosquitto_sub and mosquitto_rr that two tools are both given.

A line is a tool's name, its options, and what is written to its standard input, if anything. {text}
and {missing} are paths of a file with "from a file" in it and of one that does not exist;
{address} is the server's.
"""

from typing import NamedTuple


class Line(NamedTuple):
    tool: str
    options: str  # split at blanks; "~" stands for a blank within an option
    stdin: str = ""

    def words(self, paths):
        words = self.options.split()
        for name, path in paths.items():
            words = [word.replace(f"{{{name}}}", str(path)) for word in words]
        return [word.replace("~", " ") for word in words]


# Refused before anything is sent; no server is needed.
REFUSED = [Line(*line) for line in [
    ("sub", ""), ("sub", "-t"), ("sub", "-t a/#/b"), ("sub", "-t a+"), ("sub", "-t #a"),
    ("sub", "stray"), ("sub", "--bogus"), ("sub", "--qos=1 -t a"), ("sub", "-t a -q 3"),
    ("sub", "-t a -q -1"), ("sub", "-t a -C 0"), ("sub", "-t a -C"), ("sub", "-t a -W 0"),
    ("sub", "-t a -k 4"), ("sub", "-t a -k 65536"), ("sub", "-t a -p 65536"), ("sub", "-t a -p -1"),
    ("sub", "-t a -V 4"), ("sub", "-t a -V mqttv6"), ("sub", "-t a -c"), ("sub", "-t a -x 0x"),
    ("sub", "-t a -x 4294967296"), ("sub", "-t a -x -2"),
    ("sub", "-t a -i a -I b"), ("sub", "-t a -I b -i a"), ("sub", "-t a -R --retained-only"),
    ("sub", "-t a -m x"), ("sub", "-t a -r"), ("sub", "-t a -l"), ("sub", "-t a -e b"),
    ("sub", "-t a --random-filter 0"),
    ("sub", "-t a -T a/#/b"), ("sub", "-t a -U a+b"), ("sub", "-t a -F %"), ("sub", "-t a -F %k"),
    ("sub", "-t a -F %05"), ("sub", "-t a -F @"), ("sub", "-t a -F \\"), ("sub", "-t a -F \\k"),
    ("sub", "-t a --will-payload x"), ("sub", "-t a --will-retain"),
    ("sub", "-t a --will-topic +"), ("sub", "-t a --will-topic w --will-qos 3"),
    ("sub", "-t a --cert x"), ("sub", "-t a --key x"), ("sub", "-t a --psk 12"),
    ("sub", "-t a --psk 12 --psk-identity i --cafile {text}"),
    ("sub", "-t a --keyform pem"), ("sub", "-t a --tls-engine"), ("pub", "-t a -m x --keyform"),
    ("pub", "-t a -m x --tls-engine-kpass-sha1 00"),
    ("pub", "-t a -m x --tls-engine x --tls-engine-kpass-sha1 00"),
    ("rr", "-t a -e b -m x --cafile {text} --cert {text} --key {text} --keyform tpm"),
    ("sub", "-t a --proxy"), ("sub", "-t a --proxy http://a"), ("sub", "-t a --proxy socks5h://"),
    ("sub", "-t a --proxy socks5://a"), ("pub", "-t a -m x --proxy socks5h://u:p@"),
    ("pub", "-t a -m x --proxy socks5h://a:b"), ("rr", "-t a -e b -m x --proxy socks5h://a:0"),
    ("rr", "-t a -e b -m x --proxy socks5h://a:65536"), ("sub", "-t a --proxy socks5h://a:"),
    ("sub", "-t a -V 31 -c"), ("sub", "-t a -V mqttv3"),
    ("sub", "-L mqtt://localhost"), ("sub", "-L http://localhost/a"),
    ("sub", "-L mqtt://localhost/a/#/b"),
    ("pub", ""), ("pub", "-t a"), ("pub", "-m x"), ("pub", "-t # -m x"), ("pub", "-t a/+ -m x"),
    ("pub", "-t a -m x -n"), ("pub", "-t a -f {text} -m x"), ("pub", "-t a -s -l"),
    ("pub", "-t a -s"), ("pub", "-t a -f {missing}"), ("pub", "-t a -m"), ("pub", "-t a -m x -v"),
    ("pub", "-t a -m x -C 1"), ("pub", "-t a -m x -W 1"), ("pub", "-t a -m x -F %p"),
    ("pub", "-t a -m x --repeat 0"), ("pub", "-t a -m x --repeat-delay -1"),
    ("pub", "-t a -m x -M 0"), ("pub", "-t a -m x -D"), ("pub", "-t a -m x -D publish"),
    ("pub", "-t a -m x -D publish content-type"), ("pub", "-t a -m x -D bogus content-type x"),
    ("pub", "-t a -m x -D publish bogus x"), ("pub", "-t a -m x -D subscribe content-type x"),
    ("pub", "-t a -m x -D publish user-property x"),
    ("pub", "-t a -m x -D publish payload-format-indicator 256"),
    ("pub", "-t a -m x -D publish message-expiry-interval -1"),
    ("pub", "-t a -m x -D puback reason-string x"),
    ("pub", "-t a -m x -D publish subscription-identifier 1"),
    ("pub", "-t a -m x -P secret"),
    ("pub", "-t a -m x --cafile {text} --tls-version tlsv9"),
    ("rr", ""), ("rr", "-t a -m x"), ("rr", "-t a -e b"), ("rr", "-e b -m x"),
    ("rr", "-t a -e # -m x"), ("rr", "-t + -e b -m x"), ("rr", "-t a -e b -m x -C 1"),
    ("rr", "-t a -e b -m x -D publish response-topic c"), ("rr", "-t a -e b -m x -r"),
]]

# With a server that has the messages of RETAINED, and publishes nothing itself.
SERVED = [Line(*line) for line in [
    ("sub", "-t r/text -C 1"), ("sub", "-t r/text -C 1 -v"), ("sub", "-t r/text -C 1 -N"),
    ("sub", "-t r/text -C 1 -v -N"), ("sub", "-t r/text -C 1 -q 2"),
    ("sub", "-t r/text -C 1 -V 5 -q 1"), ("sub", "-t r/text -t r/json -C 2 -q 1"),
    ("sub", "-t r/text -C 1 -i one -k 5"), ("sub", "-t r/text -C 1 -I two"),
    ("sub", "-t r/text -C 1 -V 31"), ("sub", "-t r/text -C 1 -V mqttv31 -q 2 -v"),
    ("sub", "-t r/# -T r/json -T r/b+ -T r/bin -C 1 -V 31 -i old -c -d"),
    ("sub", "-t nothing -E -d -V 31 -i old"),
    ("pub", "-t p/a -m x -q 2 -V 31 -d -i older"), ("pub", "-t p/a -l -q 1 -V mqttv31", "a\nb\n"),
    ("pub", "-t p/a -m x -V 31 --will-topic w --will-payload y -I old"),
    ("rr", "-t q/echo -e q/echo -m x -V 31"),
    ("sub", "-t r/text -C 1 --nodelay"), ("sub", "-t r/text -C 1 -c -i three"),
    ("sub", "-t r/text -C 1 -x 10"), ("sub", "-t r/text -C 1 -c -i four -V 5 -x 1"),
    ("sub", "-t r/# -T r/json -T r/b+ -T r/bin -T r/v5 -C 1 -v"),
    ("sub", "-t r/# -T + -T r/+ -W 1"), ("sub", "-t r/text -R -W 1"),
    ("sub", "-t r/text -E"), ("sub", "-t r/text -t a/# -E -q 1 -V 5"),
    ("sub", "-t nothing -E -d"), ("sub", "-t nothing -E -d -V 5 -i five"),
    ("sub", "-t r/text -C 1 -d -q 1"), ("sub", "-t r/text -C 1 -d -q 2 -i six"),
    ("sub", "-t r/text -U nothing -C 1"),
    ("sub", "-t r/text -C 1 -F %t|%10t|%-10t|%.2t|%10.2t|%-10.2t|%010t|"),
    ("sub", "-t r/text -C 1 -F %l|%5l|%-5l|%05l|%m|%q|%r|%%|@@|\\t\\\\|\\e\\a\\v\\r"),
    ("sub", "-t r/text -C 1 -F %A|%5A|%05A|%C|%5C|%D|%E|%05E|%F|%P|%R|%5R|%S|%5S|"),
    ("sub", "-t r/text -C 1 -F @Y~@@~%p"), ("sub", "-t r/text -C 1 -F %p -N"),
    ("sub", "-t r/bin -C 1 -F %x|%X|%20x|%-20x|%020X|%4x|%3x|"),
    ("sub", "-t r/bin -C 1 -F %3p|%20p|%-20p|%020p|"), ("sub", "-t r/bin -C 1 -F %j"),
    ("sub", "-t r/json -C 1 -F %j"), ("sub", "-t r/json -C 1 -F %J"),
    ("sub", "-t r/json -C 1 -F %J --pretty"), ("sub", "-t r/json -C 1 -F %j --pretty -q 1"),
    ("sub", "-t r/text -C 1 -F <%J>"),
    ("sub", "-V 5 -t r/v5 -C 1 -F %C|%D|%F|%P|%R|%S|%20C|%-20C|%06F|%8R|%.3R -q 1"),
    ("sub", "-V 5 -t r/v5 -C 1 -F %S|%6S|%06S|%-6S| -D subscribe subscription-identifier 7"),
    ("sub", "-V 5 -t r/text -C 1 -F %r --retain-as-published"),
    ("sub", "-t r/text -C 1 -L mqtt://{address}/r/text"),
    ("sub", "-t r/text -C 1 --will-topic w --will-payload x --will-qos 1 --will-retain"),
    ("sub", "-t r/text -C 1 -D connect user-property a b -D disconnect user-property c d"),
    ("sub", "-t r/text -C 1 -D will will-delay-interval 5 --will-topic w"),
    ("sub", "-t r/text -C 1 --quiet"),
    ("sub", "-t r/text -t $share/g/x -C 1 -V 5"),
    ("pub", "-t p/a -m x"), ("pub", "-t p/a -m x -q 1"), ("pub", "-t p/a -m x -q 2 -V 5"),
    ("pub", "-t p/a -n"), ("pub", "-t p/a -f {text}"), ("pub", "-t p/a -s", "all of it\n"),
    ("pub", "-t p/a -l", "one\ntwo\n"), ("pub", "-t p/a -l -q 2", "one\n\ntwo"),
    ("pub", "-t p/a -l", ""), ("pub", "-t p/a -l -q 1 -V 5 -M 1", "a\nb\nc\nd\n"),
    ("pub", "-t p/a -m x --repeat 3"), ("pub", "-t p/a -m x --repeat 2 --repeat-delay 0.05 -q 1"),
    ("pub", "-t p/a -m x -d"), ("pub", "-t p/a -m x -d -q 1"), ("pub", "-t p/a -m x -d -q 2"),
    ("pub", "-t p/a -m x -d -q 1 -V 5 -i seven"), ("pub", "-t p/a -m x -d -q 2 -V 5 -i eight"),
    ("pub", "-t p/a -m x -i nine -c"), ("pub", "-t p/a -m x -I ten"),
    ("pub", "-t p/a -m x -D publish content-type text/plain -D publish user-property a b"),
    ("pub", "-t p/a -m x -D publish topic-alias 1 --repeat 2 -q 1"),
    ("pub", "-L mqtt://{address}/p/a -m x"), ("pub", "-t p/a -m x -r"), ("pub", "-t p/a -n -r"),
    ("pub", "-t p/a -m x --quiet --nodelay -k 10"),
    ("rr", "-t q/a -e q/b -m x -W 1"), ("rr", "-t r/z -e r/text -m x"),
    ("rr", "-t r/z -e r/text -n -v"), ("rr", "-t r/z -e r/text -s -V 311", "ask"),
    ("rr", "-t r/z -e r/text -s"),
    ("rr", "-t r/z -e r/json -f {text} -F %J --pretty"),
    ("rr", "-t q/echo -e q/echo -m x -F %t~%p~%R"), ("rr", "-t q/echo -e q/echo -m x -N -q 1"),
]]

# The same through a SOCKS5 proxy; {proxy} is its URL, with a login.
PROXIED = [Line(*line) for line in [
    ("sub", "-t r/text -C 1 --proxy {proxy}"), ("sub", "-t r/text -C 1 -V 5 --proxy {proxy}"),
    ("pub", "-t p/a -m x -q 2 --proxy {proxy}"), ("pub", "-t p/a -l --proxy {proxy}", "a\nb\n"),
    ("sub", "-L mqtt://localhost:{port}/r/text -C 1 --proxy {proxy}"),
    ("rr", "-t q/echo -e q/echo -m x --proxy {proxy}"),
]]

# Where the proxy does not let them through, or is none; the words are the library's.
UNPROXIED = [Line(*line) for line in [
    ("sub", "-t a -E --proxy socks5h://127.0.0.1:{proxy_port}"),
    ("pub", "-t a -m x --proxy socks5h://ada:wonder@127.0.0.1:{proxy_port}"),
    ("pub", "-t a -m x --proxy socks5h://127.0.0.1:{port}"),
    ("rr", "-t a -e b -m x --proxy socks5h://127.0.0.1:{no_port}"),
]]

# With a server that lets "ada" with the password "wonder" in alone, who may read below may/.
GUARDED = [Line(*line) for line in [
    ("pub", "-t a -m x"), ("pub", "-t a -m x -V 5"), ("sub", "-t a"), ("sub", "-t a -V 5"),
    ("sub", "-t a -u ada -P wrong"), ("sub", "-t a -V 5 -u ada -P wrong"),
    ("rr", "-t a -e b -m x"), ("sub", "-t a --quiet"),
    ("sub", "-t may/a -u ada -P wonder -E"), ("sub", "-L mqtt://ada:wonder@{address}/may/a -E"),
    ("pub", "-t a -m x -q 1 -u ada -P wonder"), ("pub", "-t a -m x -q 1 -V 5 -u ada -P wonder"),
]]

# Messages of the topics r/: topic, payload, further options of mosquitto_pub.
RETAINED = [
    ("r/text", b"hello", []),
    ("r/json", b'{"x": 1.50, "y":[1,{"z":null},[],{}], "s":"\\u00e9\\n/", "t":true, "b":1e30}', []),
    ("r/bin", b'a\x01b\xc3\xa9"\\/', []),
    ("r/v5", b"five", [
        "-V", "5", "-D", "publish", "content-type", "text/plain", "-D", "publish",
        "correlation-data", "abc", "-D", "publish", "user-property", "k1", "v1", "-D", "publish",
        "user-property", "k1", "v2", "-D", "publish", "response-topic", "r/t", "-D", "publish",
        "payload-format-indicator", "1"]),
]

# With a server that speaks TLS, by a certificate for localhost that {ca} has signed, and wants one
# of its clients; {other} is another authority.
SECURED = [Line(*line) for line in [
    ("pub", "--cafile {ca} --cert {cert} --key {key} -t a -m x -q 1"),
    ("pub", "--cafile {ca} --cert {cert} --key {key} -t a -m x -q 2 -V 5 --tls-version tlsv1.3"),
    ("sub", "--cafile {ca} --cert {cert} --key {key} -t a -E --tls-version tlsv1.2"),
    ("sub", "--cafile {ca} --cert {cert} --key {key} -t a -E --ciphers ECDHE+AESGCM"),
    ("sub", "--cafile {ca} --cert {cert} --key {key} -t a -E --tls-alpn mqtt"),
    ("rr", "--cafile {ca} --cert {cert} --key {key} -t a -e a -m x"),
    ("sub", "--cafile {ca} --cert {cert} --key {key} -t a -E --insecure"),
]]

# The same with the key in an engine, which the variable OPENSSL_ENGINES leads to; {sha1} is that of
# the key's password.
ENGINED = [Line(*line) for line in [
    ("pub", "--cafile {ca} --cert {cert} --key {key} --keyform engine --tls-engine lockbox "
     "--tls-engine-kpass-sha1 {sha1} -t a -m x -q 1"),
    ("sub", "--cafile {ca} --cert {cert} --key {key} --keyform pem --tls-engine lockbox -t a -E"),
    ("sub", "--cafile {ca} --cert {cert} --key {key} --tls-engine lockbox -t a -E -V 5"),
]]

# Where the engine does not give it.
LOCKED = [Line(*line) for line in [
    ("pub", "--cafile {ca} --cert {cert} --key {key} --keyform engine --tls-engine lockbox "
     "-t a -m x"),
    ("pub", "--cafile {ca} --cert {cert} --key {missing} --keyform engine "
     "--tls-engine lockbox --tls-engine-kpass-sha1 {sha1} -t a -m x"),
    ("sub", "--cafile {ca} --cert {cert} --key {key} --keyform engine --tls-engine lockbox "
     "--tls-engine-kpass-sha1 {other_sha1} -t a -E"),
    ("sub", "--cafile {ca} --cert {cert} --key {key} --keyform engine --tls-engine lockbox "
     "--tls-engine-kpass-sha1 12 -t a -E"),
    ("sub", "--cafile {ca} --cert {cert} --key {key} --tls-engine no-such-engine -t a -E"),
]]

# The same, where no connection comes about; the words of the complaint are the library's.
INSECURE = [Line(*line) for line in [
    ("sub", "--cafile {other} --cert {cert} --key {key} -t a -E"),
    ("pub", "--cafile {ca} -t a -m x --cert {cert} --key {missing}"),
    ("pub", "--cafile {missing} -t a -m x"), ("pub", "--capath {missing} -t a -m x"),
    ("pub", "--cafile {ca} -t a -m x --tls-version tlsv9"),
    ("pub", "-t a -m x --cafile {ca} --cert {cert} --key {key} --ciphers nonsense"),
]]
