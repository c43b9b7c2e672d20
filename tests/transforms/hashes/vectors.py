"""Hashes of other systems with their passwords: from their tests and documentation, or made as they make them."""

import base64
import hashlib
import hmac
import json
from dataclasses import dataclass, field

import bcrypt
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from schemas.hashing import FirebaseParameters, HashParameters

SIGNER_KEY = "jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA=="
FIREBASE_HASH = "lSrfV15cpx95/sZS2W9c9Kp6i/LVgQNDNC/qzrCnh1SAyZvqmZqAjTdn3aoItz+VHjoZilo78198JAdRuid5lQ=="
FIREBASE_SALT = "42xEC+ixf3L2lw=="
PARAMETERS = HashParameters(FirebaseParameters(SIGNER_KEY, "Bw==", rounds=8, mem_cost=14))  # firebase/scrypt, README


@dataclass(frozen=True)
class Vector:
    """A hash as a system writes it, in the parts of its scheme, and its password."""

    scheme: str
    password: str
    value: str
    parts: dict[str, str] = field(default_factory=dict)
    source: str = ""  # where it was published


def spelled(password: str, value: str, source: str = "", *, scheme: str = "spelled") -> Vector:
    return Vector(scheme, password, value, source=source)


def in_base64(text: bytes) -> str:
    return base64.b64encode(text).decode()


def pbkdf2(digest: str, salt: bytes, length: int, rounds: int = 1000) -> bytes:
    return hashlib.pbkdf2_hmac(digest, b"secret", salt, rounds, length)


def scrypt(salt: bytes, length: int = 64) -> bytes:
    return hashlib.scrypt(b"secret", salt=salt, n=32, r=8, p=1, dklen=length)


def of_bcrypt(password: bytes, prefix: bytes = b"2b") -> str:
    found = bcrypt.hashpw(password, b"$2b$04$CCCCCCCCCCCCCCCCCCCCC.").decode()
    return found.replace("$2b$", f"${prefix.decode()}$")


def digest(name: str, text: bytes) -> bytes:
    return hashlib.new(name, text, usedforsecurity=False).digest()


def keycloak(secret: dict[str, str], data: dict[str, object]) -> str:
    """Return a credential as Keycloak exports it: JSON with JSON in strings."""
    return json.dumps({"type": "password", "secretData": json.dumps(secret), "credentialData": json.dumps(data)})


SALT = b"saltsaltsaltsalt"
HEXADECIMAL = b"saltsalt".hex()
SHA256_HEX = hashlib.sha256(b"secret").hexdigest().encode()
WP_SHA384 = base64.b64encode(hmac.digest(b"wp-sha384", b"secret", "sha384"))
PREFIX = in_base64(b"{SALT}{PASSWORD}")
SUFFIX = in_base64(b"{PASSWORD}{SALT}")
HMAC_HEX = hmac.new(b"key", b"secret", "sha256").hexdigest().encode()
ARGON2_KEY = Argon2id(salt=SALT, length=32, iterations=2, lanes=1, memory_cost=32).derive(b"secret")
ARGON2 = {"type": ["id"], "version": ["1.3"], "memory": ["32"], "parallelism": ["1"], "hashLength": ["32"]}

SPELLED = [
    spelled("U*U", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", "crypt_blowfish"),
    spelled("secret", of_bcrypt(b"secret")),
    spelled("secret", of_bcrypt(b"secret", b"2y")),
    spelled("secret", "{bcrypt}" + of_bcrypt(b"secret")),
    spelled("secret", "bcrypt$" + of_bcrypt(b"secret")),
    spelled("secret", "bcrypt_sha256$" + of_bcrypt(SHA256_HEX)),
    spelled("secret", "argon2$argon2id$v=19$m=102400,t=2,p=8$Y041dExhNkljRUUy$TMa6A8fPJhCAUXRhJXCXdw", "Django"),
    spelled("secret", "$argon2id$v=19$m=102400,t=2,p=8$Y041dExhNkljRUUy$TMa6A8fPJhCAUXRhJXCXdw"),
    spelled(
        "lètmein",
        "scrypt$16384$seasalt$8$5$ECMIUp+LMxMSK8xB/IVyba+KYGTI7FTnet025q/1f/vBAVnnP3hdYqJuRi+mJn6ji6ze3Fbb7JEFPKGpuEf5vw==",
        "Django",
    ),
    spelled("secret", f"pbkdf2_sha256$1000$seasalt${in_base64(pbkdf2('sha256', b'seasalt', 32))}"),
    spelled("secret", f"pbkdf2_sha1$1000$seasalt${in_base64(pbkdf2('sha1', b'seasalt', 20))}"),
    spelled(
        "password", "$pbkdf2-sha256$1212$4vjV83LKPjQzk31VI4E0Vw$hsYF68OiOUPdDZ1Fg.fJPeq1h/gXXY7acBp9/6c.tmQ", "passlib"
    ),
    spelled(
        "secret", f"$pbkdf2-sha512$1000$c2FsdA${in_base64(pbkdf2('sha512', b'salt', 64)).rstrip('=').replace('+', '.')}"
    ),
    spelled("secret", f"$pbkdf2$1000$c2FsdA${in_base64(pbkdf2('sha1', b'salt', 20)).rstrip('=').replace('+', '.')}"),
    spelled("password", "{PKCS5S2}DQIXJU038u4P7FdsuFTY/+35bm41kfjZa57UrdxHp2Mu3qF2uy+ooD+jF5t1tb8J", "passlib"),
    spelled(
        "secret", "{PBKDF2-SHA256}10000$jq40ImWtmpTE.aYDYV1GfQ$mpiL4ui02ACmYOAnCjp/MI1gQk50xLbZ54RZneU0fCg", "OpenLDAP"
    ),
    spelled("secret", f"$pbkdf2-sha256$i=1000,l=32${in_base64(SALT)}${in_base64(pbkdf2('sha256', SALT, 32))}"),
    spelled(
        "",
        "$pbkdf2$f=SHA256,w=600000,l=32$4EJ0aoqSHZt0dKO8ccz/OQ$oWnpQnGjl+x+6J08bTP1OVQ+7ZF29qMaucfyyDY0Rlw",
        "Mattermost",
    ),
    spelled("secret", f"pbkdf2:sha256:1000$seasalt${pbkdf2('sha256', b'seasalt', 32).hex()}"),
    spelled("secret", f"scrypt:32:8:1$seasalt${scrypt(b'seasalt').hex()}"),
    spelled(
        "password",
        "$scrypt$ln=16,r=8,p=1$cmFuZG9tc2FsdGlzaGFyZA$Rh+NnJNo1I6nRwaNqbDm6kmADswD1+7FTKZ7Ln9D8nQ",
        "Zitadel",
    ),
    spelled(
        "test",
        "$scrypt$ln=16384,r=8,p=1$2npRo7P03Mt8keSoMbyD/tKFWyUzjiQf2svUaNDSrhA=$MiCzNcIplSMqSBrm4HckjYqYhaVPPjTARTzwB1cVNYE=",
        "Kratos",
    ),
    spelled("secret", f"$scrypt$v=1$n=32,r=8,p=1,kl=64${in_base64(SALT)}${in_base64(scrypt(SALT))}"),
    spelled("my password", "AAABAgMEBQYHCAkKCwwNDg+ukCEMDf0yyQ29NYubggHIVY0sdEUfdyeM+E1LtH1uJg==", "ASP.NET Core"),
    spelled(
        "my password",
        "AQAAAAEAACcQAAAAEAABAgMEBQYHCAkKCwwNDg+yWU7rLgUwPZb1Itsmra7cbxw2EFpwpVFIEtP+JIuUEw==",
        "ASP.NET Core",
    ),
    spelled(
        "my password",
        "AQAAAAIAAYagAAAAEAABAgMEBQYHCAkKCwwNDg/Q8A0WMKbtHQJQ2DHCdoEeeFBrgNlldq6vH4qX/CGqGQ==",
        "ASP.NET Core",
    ),
    *(
        spelled("secret", f"{{{scheme}}}{in_base64(digest(name, b'secret' + salt) + salt)}")
        for scheme, name, salt in (
            ("SSHA", "sha1", b"salt"),
            ("SHA", "sha1", b""),
            ("MD5", "md5", b""),
            ("SMD5", "md5", b"salt"),
            ("SSHA256", "sha256", b"salt"),
            ("SSHA512", "sha512", b"salt"),
        )
    ),
    spelled("secret", "$wp" + of_bcrypt(WP_SHA384, b"2y")),
    spelled("password", "$P$8ohUJ.1sdFw09/bMaAQPTGDNi2BIUt1", "passlib"),
    spelled("hashcat", "$P$984478476IagS59wHZvyQMArzfx58u.", "hashcat"),
    spelled("hashcat", "$S$C33783772bRXEx1aCsvY.dqgaaSu76XmVlKrW9Qu8IQlvxHlmzLf", "hashcat"),
    spelled("password", "$1$5pZSV9va$azfrPr6af3Fc7dLblQXVa0", "passlib"),
    spelled("myPassword", "$apr1$r31.....$HqJZimcKQFAMYayBlzkrA/", "Apache"),
    spelled("Hello world!", "$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5", "SHA-crypt"),
    spelled(
        "Hello world!",
        "{CRYPT}$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1",
        "SHA-crypt",
    ),
    spelled("password", "$md5-crypt$1$5pZSV9va$azfrPr6af3Fc7dLblQXVa0", "passlib"),
    spelled("secret", f"$sha256$pf={PREFIX}$c2FsdA==${in_base64(digest('sha256', b'saltsecret'))}"),
    spelled("secret", f"$sha1$pf={SUFFIX}$c2FsdA==${in_base64(digest('sha1', b'secretsalt'))}"),
    spelled("secret", f"$md5${in_base64(digest('md5', b'secret'))}"),
    spelled("secret", f"$hmac-sha256${in_base64(HMAC_HEX)}${in_base64(b'key')}"),
    spelled("secret", f"{{sha2}}{hashlib.sha256(b'secret').hexdigest()}"),
    spelled("secret", f"{digest('md5', b'saltsecret').hex()}:salt:0"),
    spelled("secret", f"{digest('sha256', b'saltsecret').hex()}:salt:1"),
    spelled("user1password", f"$firescrypt$ln=14,r=8,p=1${FIREBASE_SALT}${FIREBASE_HASH}$Bw==${SIGNER_KEY}"),
    spelled(
        "8x4WjoDbSxJZdR",
        "$firescrypt$ln=14,r=8,p=1$sPtDhWcd1MfdAw==$xbSou7FOl6mChCyzpCPIQ7tku7nsQMTFtyOZSXXd7tjBa4NtimOx7v42Gv2SfzPQu1oxM2/k4SsbOu73wlKe1A==$Bw==$YE0dO4bwD4JnJafh6lZZfkp1MtKzuKAXQcDCJNJNyeCHairWHKENOkbh3dzwaCdizzOspwr/FITUVlnOAwPKyw==",
        "Kratos",
    ),
    spelled("user1password", f"$fbscrypt$v=1,n=14,r=8,p=1,ss=Bw==,sk={SIGNER_KEY}${FIREBASE_SALT}${FIREBASE_HASH}"),
    spelled(
        "user1password", f"$firebase-scrypt$hash={FIREBASE_HASH}$salt={FIREBASE_SALT}$sk={SIGNER_KEY}$ss=Bw==$r=8$m=14"
    ),
    spelled("user1password", f"$f_scrypt${FIREBASE_HASH}${FIREBASE_SALT}$m=14$r=8$s=Bw=="),
]

OTHERS = [
    spelled("lètmein", "md5$seasalt$3f86d0d3d465b7b458c231bf3555c0e3", "Django", scheme="django"),
    spelled("lètmein", "sha1$seasalt$cff36ea83f5706ce9aa7454e63e431fc726b2dc8", "Django", scheme="django"),
    spelled("secret", f"sha256$salt${hmac.new(b'salt', b'secret', 'sha256').hexdigest()}", scheme="werkzeug"),
    spelled("my password", "AAABAgMEBQYHCAkKCwwNDg+ukCEMDf0yyQ29NYubggHIVY0sdEUfdyeM+E1LtH1uJg==", scheme="aspnet"),
    Vector("named", "password", "5f4dcc3b5aa765d61d8327deb882cf99", {"algorithm": "md5"}, "Clerk"),
    Vector("named", "secret", digest("sha1", b"secret").hex(), {"algorithm": "SHA-1"}),
    Vector(
        "named", "Hello world!", "$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5", {"algorithm": "Crypt"}
    ),
    Vector("named", "secret", of_bcrypt(b"secret"), {"algorithm": "bcrypt"}),
    Vector("named", "secret", f"{{SSHA}}{in_base64(digest('sha1', b'secretsalt') + b'salt')}", {"algorithm": "ssha"}),
    Vector(
        "named",
        "secret",
        digest("sha256", b"secretsalt").hex(),
        {"algorithm": "sha256", "salt": "salt", "order": "suffix"},
    ),
    Vector(
        "named",
        "secret",
        f"pbkdf2_sha256$1000${in_base64(SALT)}${in_base64(pbkdf2('sha256', SALT, 32))}",
        {"algorithm": "pbkdf2_sha256"},
    ),
    Vector(
        "named",
        "secret",
        f"pbkdf2_sha256$1000$seasalt${in_base64(pbkdf2('sha256', b'seasalt', 32))}",
        {"algorithm": "pbkdf2_sha256_django"},
    ),
    Vector(
        "named",
        "secret",
        f"pbkdf2_sha1$1000$seasalt${pbkdf2('sha1', b'seasalt', 20).hex()}",
        {"algorithm": "pbkdf2_sha1"},
    ),
    Vector(
        "named",
        "user1password",
        f"{FIREBASE_HASH}${FIREBASE_SALT}${SIGNER_KEY}$Bw==$8$14",
        {"algorithm": "scrypt_firebase"},
    ),
    Vector(
        "okta",
        "U*U",
        "E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
        {"algorithm": "BCRYPT", "salt": "CCCCCCCCCCCCCCCCCCCCC.", "iterations": "5"},
    ),
    Vector(
        "okta",
        "secret",
        in_base64(digest("sha512", b"saltsecret")),
        {"algorithm": "SHA-512", "salt": "c2FsdA==", "order": "PREFIX"},
    ),
    Vector(
        "okta",
        "secret",
        in_base64(digest("sha1", b"secretsalt")),
        {"algorithm": "SHA-1", "salt": "c2FsdA==", "order": "POSTFIX"},
    ),
    Vector(
        "okta",
        "secret",
        in_base64(pbkdf2("sha256", SALT, 32)),
        {"algorithm": "PBKDF2", "digest": "SHA256_HMAC", "salt": in_base64(SALT), "iterations": "1000"},
    ),
    Vector(
        "fusionauth",
        "secret",
        in_base64(pbkdf2("sha256", SALT, 32)),
        {"algorithm": "salted-pbkdf2-hmac-sha256", "salt": in_base64(SALT), "iterations": "1000"},
    ),
    Vector(
        "fusionauth",
        "secret",
        in_base64(pbkdf2("sha256", SALT, 64)),
        {"algorithm": "salted-pbkdf2-hmac-sha256-512", "salt": in_base64(SALT), "iterations": "1000"},
    ),
    Vector(
        "keycloak",
        "secret",
        keycloak(
            {"value": in_base64(pbkdf2("sha256", SALT, 32)), "salt": in_base64(SALT)},
            {"hashIterations": 1000, "algorithm": "pbkdf2-sha256"},
        ),
    ),
    Vector(
        "keycloak",
        "secret",
        keycloak(
            {"value": in_base64(pbkdf2("sha256", SALT, 64)), "salt": in_base64(SALT)},
            {"hashIterations": 1000, "algorithm": "pbkdf2-sha256"},
        ),
    ),
    Vector(
        "keycloak",
        "secret",
        keycloak(
            {"value": in_base64(pbkdf2("sha512", SALT, 64)), "salt": in_base64(SALT)},
            {"hashIterations": 1000, "algorithm": "pbkdf2-sha512"},
        ),
    ),
    Vector(
        "keycloak",
        "secret",
        json.dumps(
            {
                "type": "password",
                "hashedSaltedValue": in_base64(pbkdf2("sha1", SALT, 64)),
                "salt": in_base64(SALT),
                "hashIterations": 1000,
                "algorithm": "pbkdf2",
            }
        ),
    ),
    Vector(
        "keycloak",
        "secret",
        keycloak(
            {"value": in_base64(ARGON2_KEY), "salt": in_base64(SALT)},
            {"hashIterations": 2, "algorithm": "argon2", "additionalParameters": ARGON2},
        ),
    ),
    Vector("firebase", "user1password", FIREBASE_HASH, {"salt": FIREBASE_SALT}, "firebase/scrypt"),
    Vector(
        "firebase",
        "user1password",
        FIREBASE_HASH.replace("/", "_").replace("+", "-"),
        {"salt": FIREBASE_SALT.replace("+", "-")},
    ),
    Vector(
        "discourse",
        "test",
        "0313a6aca54dd4c5d82a699a8a0f0ffb0191b4ef62414b8d9dbc11c0c5ac04da",
        {"salt": "abcd", "algorithm": "$pbkdf2-sha256$i=100,l=32$"},
        "Discourse",
    ),
    Vector("discourse", "secret", pbkdf2("sha256", b"abcd", 32, 64000).hex(), {"salt": "abcd"}),
    Vector(
        "redmine",
        "admin",
        "b5b6ff9543bf1387374cdfa27a54c96d236a7150",
        {"salt": "82090c953c4a0000a7db253b0691a6b4"},
        "Redmine",
    ),
    Vector("rocketchat", "secret", of_bcrypt(SHA256_HEX)),
]
VECTORS = [*SPELLED, *OTHERS]
