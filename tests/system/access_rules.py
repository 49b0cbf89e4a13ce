# SPDX-License-Identifier: Apache-2.0
"""Users, rules, and the table of who may do what; test_access.py puts it to both servers."""

PASSWORDS = {"alice": "wonder", "bob": "builder", "plus+": "p", "hash#": "p", "sl/ash": "p",
             "mute": "m", "admin": "a", "with blank": "b", "%c": "c", "$SYS": "s", "l\u00e9on": "l",
             "colonless": "a:b:c", "carol": "c", "dave": "d", "eve": "e", "frank": "f", "gina": "g",
             "h\u00e9l\u00e8ne": "h", "ivan": "i", "%u": "u", "a b/c d": "x", "+": "x"}

RULES = """\
# Nobody has been named yet: these are for clients without a name.
topic read public/#
topic deny public/secret
topic readwrite anyone/+/box
topic read
topic read $SYS/broker/version
topic read end
user alice
topic alice/#
topic read news/+/today
topic write inbox
topic deny alice/private/#
topic deny news/bad/today
topic read end
topic /slash/#
topic a/+/c/#
user bob
topic read alice/out
topic readwrite bob's topic
topic read end
user plus+
topic read end
topic own
user hash#
topic read end
user sl/ash
topic read end
user mute
topic deny devices/#
topic deny +/mute/#
topic deny a
topic read end
user with blank
topic read words
topic read end
user %c
topic read end
user $SYS
topic read end
user colonless
topic read end
user carol
topic read end
topic read over/#
topic deny over/a/#
topic readwrite over/a/b
topic write over/c
topic read over/+/x
topic deny over/+/y
topic write over/#
topic deny over/c/z
user dave
topic read /
topic write //
topic readwrite e//+
topic read /+/f
topic read g/
topic deny e//no
topic read //deep//
user eve
topic read end
topic read +
topic write +/+
topic readwrite +/h/#
topic deny +/h/no/#
topic read w/x/+/+/z
topic write w/+/+
user gina
topic readwrite  two  blanks/x
topic read write
topic deny
topic read tail/with blank/#
topic Case/Sensitive
user h\u00e9l\u00e8ne
topic read gr\u00f6\u00dfe/+
topic \u6e29\u5ea6/#
topic deny \u6e29\u5ea6/\U0001f512
user ivan
topic deny users/ivan/#
topic deny devices/+/state
topic read devices/#
topic read $SYS/broker/uptime
topic $SYS/broker/connection/+/state
topic write $test/#
topic $share/g/x
user +
topic read end
topic readwrite plus/topic
user a b/c d
topic words
# An indented line and another word for the same user, further down.
user alice
topic write later
user admin
topic #
topic $SYS/#
topic $test/#
pattern read end
pattern devices/%c/#
pattern deny devices/%c/locked
pattern write users/%u/in
pattern read users/%u/out
pattern pair/%u/%c
pattern joined-%c-here
pattern %c/first
pattern read open/to/all
pattern read wide/#
pattern deny wide/%c/no
pattern deny wide/%u/own/#
pattern write log/+/%u/#
pattern deny log/secret/#
pattern read twice/%c/%c
pattern both/%c%u
pattern %u
pattern readwrite %c/%u/+/x
pattern deny vault/#
pattern read vault/%u
pattern deny alice/out/denied
"""

# A client: its user name (None: without one) and its client id.
CLIENTS = {
    "nobody": (None, "n1"),
    "nobody+": (None, "n+"),
    "nobody#": (None, "#"),
    "nobody/": (None, "n/1"),
    "alice": ("alice", "a1"),
    "alice+": ("alice", "+"),
    "alice/": ("alice", "a1/x"),
    "bob": ("bob", "b1"),
    "plus": ("plus+", "p1"),
    "hash": ("hash#", "h1"),
    "slash": ("sl/ash", "s1"),
    "mute": ("mute", "m1"),
    "blank": ("with blank", "w1"),
    "percent": ("%c", "victim"),
    "dollar": ("$SYS", "$SYS"),
    "leon": ("l\u00e9on", "\u00e9"),
    "colon": ("colonless", "c1"),
    "carol": ("carol", "c1"),
    "dave": ("dave", "d1"),
    "eve": ("eve", "e1"),
    "frank": ("frank", "f1"),
    "gina": ("gina", "g1"),
    "helene": ("h\u00e9l\u00e8ne", "\u6e29"),
    "ivan": ("ivan", "i1"),
    "posing": ("bob", "alice"),
    "pu": ("%u", "%c"),
    "path": ("a b/c d", "x"),
    "plusname": ("+", "q1"),
    "plusid": ("eve", "a+b"),
    "hashid": ("carol", "x#"),
    "nobody%": (None, "%c"),
    "nobody@": (None, "n 1"),
    "nobody$": (None, "$x"),
    "nobody.": (None, ".."),
    "nobodyu": (None, "%u"),
    "nobodyl": (None, "nobody" * 20),
    "unnamed": ("", "v1"),
}

# What a client may do with a topic: r, w, rw or nothing.
TABLE = """\
nobody   public                  r
nobody   public/                 r
nobody   public/a/b              r
nobody   public/secret           -
nobody   public/secret/more      r
nobody   publics                 -
nobody   anyone/x/box            rw
nobody   anyone//box             rw
nobody   anyone/x/y/box          -
nobody   anyone/x/box/y          -
nobody   read                    rw
nobody   Public/a                -
nobody   devices/n1/state        rw
nobody   devices/n1              rw
nobody   devices/n2/state        -
nobody   devices/n1/locked       -
nobody   devices/n1/locked/in    rw
nobody   users//in               -
nobody   users/%u/in             -
nobody   users/%u/out            -
nobody   alice/x                 -
nobody   open/to/all             r
nobody   joined-n1-here          rw
nobody   n1/first                rw
nobody   n2/first                -
nobody   pair//n1                -
nobody+  public/a                r
nobody+  devices/nx/state        -
nobody+  open/to/all             -
nobody#  public/a                r
nobody#  devices/x/y             -
nobody/  devices/n/1/state       -
nobody/  devices/n/1/locked      -
nobody/  n/1/first               -
nobody/  open/to/all             r
alice    alice                   rw
alice    alice/x                 rw
alice    alice/private           -
alice    alice/private/x         -
alice    alice/privates          rw
alice    alice/out/denied        rw
alice    news/good/today         r
alice    news/bad/today          -
alice    news/good/tomorrow      -
alice    inbox                   w
alice    later                   w
alice    /slash                  rw
alice    /slash/x                rw
alice    slash/x                 -
alice    a/b/c                   rw
alice    a/b/c/d                 rw
alice    a/b                     -
alice    a//c/d                  rw
alice    public/a                -
alice    read                    -
alice    users/alice/in          w
alice    users/alice/out         r
alice    users/bob/in            -
alice    users/bob/out           -
alice    pair/alice/a1           rw
alice    pair/a1/alice           -
alice    devices/a1/x            rw
alice+   alice/x                 rw
alice+   devices/any/x           -
alice+   users/alice/out         -
alice/   alice/x                 rw
alice/   devices/a1/x            -
alice/   devices/a1/x/y          -
alice/   users/alice/in          w
alice/   pair/alice/a1/x         -
bob      alice/out               r
bob      alice/out/x             -
bob      bob's@topic             rw
bob      bob's                   -
bob      alice/x                 -
bob      users/bob/in            w
bob      users/bob/out           r
plus     own                     rw
plus     users/any/in            -
plus     devices/p1/x            -
hash     users/a/out             -
hash     devices/h1/x            -
slash    users/sl/ash/in         -
slash    users/sl/ash/out        -
slash    devices/s1/x            rw
mute     devices/m1/x            -
mute     users/mute/in           -
mute     a                       -
blank    words                   r
blank    users/with@blank/in     w
blank    users/with/in           -
percent  users/%c/in             w
percent  users/victim/in         -
percent  users/victim/out        -
percent  devices/victim/x        rw
dollar   $SYS/first              -
dollar   users/$SYS/in           w
leon     devices/\u00e9/x             rw
leon     users/l\u00e9on/in           w
leon     users/leon/in           -
colon    users/colonless/out     r
carol    over                    rw
carol    over/z                  rw
carol    over/a                  -
carol    over/a/b                -
carol    over/a/x                -
carol    over/c                  rw
carol    over/c/x                rw
carol    over/b/y                -
carol    over/b/y/more           rw
carol    over/c/z                -
carol    overt                   -
carol    vault/carol             -
carol    log/a/carol             w
carol    log/a/carol/x/y         w
carol    log/secret/carol        -
carol    log/a/b/carol           -
carol    log/a/bob               -
carol    twice/c1/c1             r
carol    twice/c1/c2             -
carol    both/c1carol            rw
carol    both/c1                 -
carol    carol                   rw
carol    carol/x                 -
carol    c1/carol/any/x          rw
carol    c1/carol//x             rw
carol    c1/carol/any/y          -
carol    carol/c1/any/x          -
dave     /                       r
dave     //                      w
dave     ///                     -
dave     e//x                    rw
dave     e//                     rw
dave     e/x                     -
dave     e//x/y                  -
dave     e//no                   -
dave     e//no/                  -
dave     /x/f                    r
dave     //f                     r
dave     x/f                     -
dave     /x/f/                   -
dave     g/                      r
dave     g                       -
dave     g//                     -
dave     //deep//                r
dave     //deep/                 -
dave     /deep//                 -
eve      one                     r
eve      one/two                 w
eve      one/two/three           -
eve      /                       w
eve      one/                    w
eve      /two                    w
eve      one/h                   rw
eve      one/h/x                 rw
eve      one/h/x/y/z             rw
eve      /h                      rw
eve      one/h/no                -
eve      one/h/no/y              -
eve      one/h/nope              rw
eve      one/H/x                 -
eve      w/x/a/b/z               r
eve      w/x///z                 r
eve      w/x/a/b                 -
eve      w/x/a/b/z/q             -
eve      w/x/a                   w
frank    anyone/x/box            -
frank    public/a                -
frank    read                    -
frank    open/to/all             r
frank    users/frank/in          w
frank    users/frank/out         r
frank    f1/first                rw
frank    frank                   rw
frank    alice/out/denied        -
frank    devices/f1/locked       -
gina     two@@blanks/x           rw
gina     two@blanks/x            -
gina     write                   r
gina     deny                    rw
gina     tail/with@blank         r
gina     tail/with@blank/x       r
gina     tail/with               -
gina     Case/Sensitive          rw
gina     case/sensitive          -
gina     Case/sensitive          -
helene   gr\u00f6\u00dfe/x                 r
helene   gr\u00f6\u00dfe                   -
helene   gro\u0308\u00dfe/x                -
helene   gr\u00d6\u00dfe/x                 -
helene   \u6e29\u5ea6                      rw
helene   \u6e29\u5ea6/\U0001f321              rw
helene   \u6e29\u5ea6/\U0001f512              -
helene   \u6e29\u5ea6/\U0001f512/x            rw
helene   users/h\u00e9l\u00e8ne/in         w
helene   users/helene/in         -
helene   devices/\u6e29/x             rw
ivan     users/ivan/in           -
ivan     users/ivan/out          -
ivan     devices/i1/state        -
ivan     devices/i1/x            rw
ivan     devices/any/x           r
ivan     devices/any/state       -
ivan     devices                 r
ivan     log/x/ivan              w
ivan     $test/x                 -
ivan     $SYS/broker/uptime      -
ivan     $SYS/broker/connection/b/state  rw
ivan     $SYS/broker/connection/b        -
ivan     $SYS/first              -
posing   users/bob/in            w
posing   users/alice/in          -
posing   alice/out               r
posing   alice/x                 -
posing   devices/alice/x         rw
posing   devices/b1/x            -
posing   alice/first             rw
posing   pair/bob/alice          rw
pu       users/%u/in             w
pu       users/%c/in             -
pu       devices/%c/x            rw
pu       devices/%u/x            -
pu       %u                      rw
pu       %c/first                rw
pu       both/%c%u               rw
path     words                   rw
path     users/a@b/c@d/in        -
path     devices/x/y             rw
path     a@b/c@d                 -
plusname plus/topic              rw
plusname users/any/in            -
plusname devices/q1/x            -
plusname any                     -
plusid   one                     r
plusid   one/two                 w
plusid   devices/aab/x           -
plusid   users/eve/in            -
hashid   over/z                  rw
hashid   over/a/b                -
hashid   devices/x/y             -
hashid   carol                   -
nobody%  devices/%c/x            rw
nobody%  devices/x/x             -
nobody%  %c/first                rw
nobody%  twice/%c/%c             r
nobody%  public/a                r
nobody@  devices/n@1/x           rw
nobody@  devices/n/x             -
nobody@  n@1/first               rw
nobody$  $x/first                -
nobody$  devices/$x/y            rw
nobody$  joined-$x-here          rw
nobody.  devices/../x            rw
nobody.  devices/x               -
nobody.  ../first                rw
nobodyu  devices/%u/x            rw
nobodyu  users/%u/in             -
nobodyu  both/%u                 -
nobodyl  LONG/first              rw
nobodyl  devices/LONG/x          rw
unnamed  public/a                r
unnamed  anyone/x/box            rw
unnamed  users//in               -
unnamed  devices/v1/x            rw
unnamed  open/to/all             r
nobody   wide/n1/no              -
nobody   wide/n1/yes             r
nobody   wide/n2/no              r
nobody   wide/%u/own             r
nobody/  wide/n/1/no             -
nobody/  wide/n/1/no/more        r
nobody/  wide/n/no               r
path     wide/a@b/c@d/own        -
path     wide/a@b/c@d/own/x      -
path     wide/a@b/own            r
slash    wide/sl/ash/own         -
alice    wide/alice/own          -
alice    wide/a1/no              -
alice    wide/bob/own            r
alice+   wide/any                -
admin    anything/at/all         rw
admin    inbox                   rw
admin    $test/x                 -
"""

NO_SLASH = "a '/' in a name would reach into topics of another name (docs/decisions/0024)"
NO_DOLLAR = "clients do not publish to topics beginning with $ (docs/decisions/0003)"

# Mosquitto's verdict where it is not ours, and why ours is another.
MOSQUITTOS = {
    ("nobody/", "devices/n/1/state"): ("rw", NO_SLASH),
    ("nobody/", "n/1/first"): ("rw", NO_SLASH),
    ("alice/", "devices/a1/x"): ("rw", NO_SLASH),
    ("alice/", "devices/a1/x/y"): ("rw", NO_SLASH),
    ("alice/", "pair/alice/a1/x"): ("rw", NO_SLASH),
    ("slash", "users/sl/ash/in"): ("w", NO_SLASH),
    ("slash", "users/sl/ash/out"): ("r", NO_SLASH),
    ("admin", "$test/x"): ("rw", NO_DOLLAR),
    ("ivan", "$test/x"): ("w", NO_DOLLAR),
    ("nobody$", "$x/first"): ("rw", NO_DOLLAR),
    ("path", "users/a b/c d/in"): ("w", NO_SLASH),
    ("path", "a b/c d"): ("rw", NO_SLASH),
}


def rows():
    """Client, topic, rights; in the table a blank of a topic is @, and LONG a long id."""
    return [(client, topic.replace("@", " ").replace("LONG", "nobody" * 20), rights.strip("-"))
            for client, topic, rights in map(str.split, TABLE.splitlines())]


def client_of(name):
    user, client_id = CLIENTS.get(name, ("admin", name))
    return user, PASSWORDS.get(user), client_id
