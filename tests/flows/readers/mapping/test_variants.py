"""What systems write in more than one way: files with little in them, single users, older and other containers."""

import json
from typing import Any

import pytest

from schemas.codes import ErrorCode
from schemas.faults import FileFault
from tests.flows.readers.mapping.samples import choose_of, read_users
from tests.flows.readers.outcomes import Reader

ANN = {"email": "ann@example.com"}
BCRYPT = "$2b$04$CCCCCCCCCCCCCCCCCCCCC.kJ4hZ3QEUPig/w6G/sm0kxfHNwY7Hkq"
SCIM_USER = "urn:ietf:params:scim:schemas:core:2.0:User"
AT_2020 = "2020-01-02T03:04:05Z"

TABLES = [
    ("cognito-csv", "cognito:username,email\nann,ann@example.com\n", ANN | {"username": "ann"}),
    ("okta-csv", "Login,First name,Last name,Primary email\nann,A,L,ann@example.com\n", ANN | {"username": "ann"}),
    (
        "entra-csv",
        "version:v1.0\nEmail [inviteeEmail],Link [inviteRedirectURL]\nann@example.com,https://example.com\n",
        ANN,
    ),
    ("entra-export", "userPrincipalName,displayName,accountEnabled\nann@example.com,,False\n", ANN | {"blocked": True}),
    ("entra-export", "displayName,userPrincipalName\n,ann@example.com\n", ANN),
    (
        "entra-export",
        "Display name,Soft deletion time stamp,User principal name\n,2020-01-02Z,ann@example.com\n",
        ANN | {"blocked": True},
    ),
    (
        "google-workspace",
        "First Name,Last Name,Email Address,Status,Last Sign In\n,,ann@example.com,Suspended,Never logged in\n",
        ANN | {"blocked": True},
    ),
    ("google-directory", "primaryEmail,name.givenName,suspended\nann@example.com,Ann,True\n", ANN | {"blocked": True}),
    ("clerk-csv", "id,primary_email_address\nu1,ann@example.com\n", ANN | {"user_id": "u1"}),
    ("firebase-csv", f"u1,ann@example.com,true{',' * 26}\n", ANN | {"user_id": "u1", "email_verified": True}),
    ("firebase-csv", f"u1,ann@example.com,true{',' * 25}\n", ANN | {"user_id": "u1", "email_verified": True}),
    ("firebase-csv", f"u1,ann@example.com,true{',' * 24}\n", ANN | {"user_id": "u1", "email_verified": True}),
    (
        "clerk-csv",
        'id,email_addresses,phone_numbers,password_hasher\nu1,"ann@example.com,a@example.org",,\n',
        ANN | {"user_id": "u1"},
    ),
    (
        "cognito-csv",
        f"cognito:username,email,cognito:mfa_enabled,password_hash\nann,ann@example.com,false,{BCRYPT}\n",
        ANN | {"username": "ann", "password_hash": BCRYPT},
    ),
    (
        "okta-csv",
        ("login,firstName,lastName,honorificPrefix,email,displayName,secondEmail,mobilePhone,organization\n"
        "ann,A,L,,ann@example.com,,,+4915112345678,\n"),
        ANN | {"username": "ann", "phone_number": "+4915112345678"},
    ),
    (
        "entra-export",
        ("Display name,User principal name,Account status,Account Created on\n"
        ",ann@example.com,Disabled,1/2/2020 3:04:05 AM\n"),
        ANN | {"blocked": True, "registered_at": AT_2020},
    ),
    (
        "entra-csv",
        ("version:v1.0\n名前 [displayName] 必須,ユーザー名 [userPrincipalName] 必須,ブロック [accountEnabled] 必須\n"
        ",ann@example.com,はい\n"),
        ANN | {"blocked": True},
    ),
    ("csv", "Email Address,First Name,Last Name\nann@example.com,,\n", ANN),
    (
        "redmine",
        "login;firstname;lastname;mail;admin;password;status\nann;A;L;ann@example.com;yes;open sesame;locked\n",
        ANN | {"roles": ["admin"], "blocked": True},
    ),
    (
        "redmine",
        "login;firstname;lastname;mail;admin;password;status\nann;A;L;ann@example.com;no;open sesame;active\n",
        ANN | {"blocked": False},
    ),
    (
        "wordpress",
        'user_login,user_email,role,wp_capabilities\nann,ann@example.com,"editor,b","a:1:{s:6:""editor"";b:1;}"\n',
        ANN | {"roles": ["editor", "b"]},
    ),
    ("drupal", "uid,name,mail,user_status\n7,ann,ann@example.com,0\n", ANN | {"user_id": "7", "blocked": True}),
]  # fmt: skip
DOCUMENTS: list[tuple[str, object, dict[str, Any]]] = [
    (
        "keycloak",
        {"ifResourceExists": "SKIP", "users": [ANN | {"enabled": False}]},
        ANN | {"blocked": True},
    ),
    (
        "keycloak",
        {"realm": "old", "users": [ANN | {"enabled": True, "applicationRoles": {"account": ["view"]}}]},
        ANN | {"roles": ["view"], "blocked": False},
    ),
    (
        "clerk-api",
        [{"primary_email_address": "ann@example.com", "email_addresses": ["a@example.org", "ann@example.com"]}],
        ANN,
    ),
    (
        "scim",
        {
            "Resources": [
                {"userName": "ann", "emails": [{"value": "ann@example.com", "primary": True, "verified": True}]}
            ]
        },
        ANN | {"username": "ann", "email_verified": True},
    ),
    (
        "workos",
        [
            {
                "email": "ann@example.com",
                "firstName": "Ann",
                "emailVerified": True,
                "profilePictureUrl": None,
                "createdAt": AT_2020,
            }
        ],
        ANN | {"given_name": "Ann", "email_verified": True, "registered_at": AT_2020},
    ),
    (
        "cognito-api",
        {
            "Username": "google_7",
            "Attributes": [
                {"Name": "email", "Value": "ann@example.com"},
                {"Name": "identities", "Value": '[{"userId":"7","providerName":"Google","issuer":null}]'},
            ],
        },
        ANN | {"identities": [{"provider": "Google", "user_id": "7"}]},
    ),
    ("scim", {"schemas": [SCIM_USER], "userName": "ann@example.com"}, ANN),
    ("scim", {"Resources": [{"userName": "ann@example.com", "active": "False"}]}, ANN | {"blocked": True}),
    ("kratos", [{"schema_id": "x", "traits": ANN}], ANN),
    (
        "kratos",
        [
            {
                "traits": ANN | {"firstname": "Ann", "lastname": "Lo"},
                "credentials": {"password": {"type": "password", "created_at": AT_2020}},
            }
        ],
        ANN | {"given_name": "Ann", "family_name": "Lo"},
    ),
    ("kratos", {"identities": [{"create": {"schema_id": "x", "traits": ANN}}]}, ANN),
    ("entra-graph", {"value": [{"id": "1", "userPrincipalName": "ann@example.com"}]}, ANN | {"user_id": "1"}),
    ("fusionauth", {"user": ANN | {"active": False, "registrations": []}}, ANN | {"blocked": True}),
    (
        "supertokens",
        {"users": [{"recipeId": "emailpassword", "user": ANN | {"id": "1", "timeJoined": 1577934245000}}]},
        ANN | {"user_id": "1", "registered_at": AT_2020},
    ),
    (
        "cognito-api",
        {"Username": "ann", "UserAttributes": [{"Name": "email", "Value": "ann@example.com"}], "Enabled": False},
        ANN | {"username": "ann", "blocked": True},
    ),
    (
        "firebase",
        {
            "users": [
                ANN
                | {
                    "uid": "u1",
                    "emailVerified": True,
                    "disabled": True,
                    "metadata": {"creationTime": "Thu, 02 Jan 2020 03:04:05 GMT"},
                    "customClaims": {"admin": True},
                }
            ]
        },
        ANN
        | {
            "user_id": "u1",
            "email_verified": True,
            "blocked": True,
            "app_metadata": {"admin": True},
            "registered_at": AT_2020,
        },
    ),
    (
        "zitadel",
        {"userName": "ann", "profile": {"firstName": "Ann"}, "email": ANN, "hashedPassword": {"value": BCRYPT}},
        ANN | {"username": "ann", "given_name": "Ann", "password_hash": BCRYPT},
    ),
    (
        "firebase",
        [{"uid": "u1", "email": "ann@example.com", "emailVerified": True, "displayName": "Ann", "providerData": []}],
        ANN | {"user_id": "u1", "email_verified": True, "name": "Ann"},
    ),
    (
        "clerk-api",
        {
            "data": [
                {
                    "id": "u1",
                    "primaryEmailAddressId": "i1",
                    "emailAddresses": [{"emailAddress": "ann@example.com", "verification": {"status": "verified"}}],
                    "firstName": "Ann",
                    "banned": True,
                }
            ]
        },
        ANN | {"user_id": "u1", "email_verified": True, "given_name": "Ann", "blocked": True},
    ),
    (
        "slack",
        {"ok": True, "user": {"id": "U1", "team_id": "T1", "name": "ann", "profile": ANN}},
        ANN | {"user_id": "U1"},
    ),
    ("slack", [{"id": "U1", "name": "ann", "deleted": True, "color": "9f", "profile": ANN}], ANN | {"blocked": True}),
    (
        "redmine",
        {"user": {"id": 3, "login": "ann", "firstname": "A", "lastname": "L", "mail": "ann@example.com"}},
        ANN | {"user_id": "3"},
    ),
    (
        "gitea",
        [ANN | {"id": 3, "login": "ann", "full_name": "", "username": "ann", "is_admin": True}],
        ANN | {"user_id": "3", "roles": ["admin"]},
    ),
    (
        "liferay",
        [
            {"emailAddress": "default@example.com", "screenName": "0", "userId": "1", "defaultUser": True},
            {"emailAddress": "ann@example.com", "screenName": "ann", "userId": "2", "emailAddressVerified": True}
            | {"defaultUser": False, "status": 5},
        ],
        ANN | {"user_id": "2", "email_verified": True, "blocked": True},
    ),
    (
        "rocketchat-api",
        [
            {
                "username": "ann",
                "emails": [{"address": "ann@example.com", "verified": True}],
                "active": True,
                "settings": {"preferences": {"language": "pt-BR"}},
            }
        ],
        ANN | {"email_verified": True, "locale": "pt-BR", "blocked": False},
    ),
    ("auth0-hashes", [ANN | {"_id": "1", "emailVerified": False, "passwordHash": BCRYPT}], ANN | {"user_id": "1"}),
]


def read_text(reader: Reader, text: str, name: str) -> tuple[str, list[dict[str, Any]]]:
    outcome = read_users(reader.source(text.encode(), name), engine=reader.engine)
    assert outcome.errors == []
    return outcome.profile, [
        {key: value for key, value in user.items() if key != "user_metadata"} for user in outcome.users
    ]


@pytest.mark.parametrize(("profile", "text", "user"), TABLES)
def test_a_table_with_few_columns_is_read(reader: Reader, profile: str, text: str, user: dict[str, Any]) -> None:
    found, users = read_text(reader, text, "users.csv")
    assert (found, [{key: users[0][key] for key in user}]) == (profile, [user])
    assert "blocked" in user or "blocked" not in users[0]


@pytest.mark.parametrize(("profile", "document", "user"), DOCUMENTS)
def test_another_container_is_read(reader: Reader, profile: str, document: object, user: dict[str, Any]) -> None:
    found, users = read_text(reader, json.dumps(document), "users.json")
    assert (found, [{key: users[0][key] for key in user}]) == (profile, [user])
    assert "blocked" in user or "blocked" not in users[0]


@pytest.mark.parametrize(
    "text",
    [
        "login,firstName,lastName,email,status\nann,A,L,ann@example.com,FROZEN\n",
        "First Name,Last Name,Email Address,New Status\nA,L,ann@example.com,Frozen\n",
        "version:v1.0\nName [displayName],User [userPrincipalName],Block [accountEnabled]\nA,ann@example.com,Frozen\n",
    ],
)
def test_an_unknown_word_for_a_status_refuses_the_user(reader: Reader, text: str) -> None:
    outcome = read_users(reader.source(text.encode(), "users.csv"), engine=reader.engine)
    assert (outcome.users, outcome.errors) == ([], ["1 INVALID_TYPE blocked"])


@pytest.mark.parametrize(
    "text",
    [
        "id,username,firstname,lastname,email,password\n1,ann,A,L,ann@example.com,open sesame\n",
        "Login,First name,Last name,Email,Department\nann,A,L,ann@example.com,Sales\n",
        "Identifiant,Prénom,Nom,Email\nann,A,L,ann@example.com\n",
        '[{"uid": "u1", "email": "ann@example.com", "displayName": "A"}]',
        '[{"username": "ann", "email": "ann@example.com", "state": "CA", "avatar_url": "https://example.com/a.png"}]',
    ],
)
def test_names_that_many_systems_have_are_no_systems(reader: Reader, text: str) -> None:
    assert choose_of(reader.source(text.encode(), "users")) in ("csv", "auth0")


def test_a_document_without_users_is_nobodys(reader: Reader) -> None:
    with pytest.raises(FileFault) as raised:
        read_users(reader.source(b'{"orgs":[{"orgId":"1"}]}', "users.json"), engine=reader.engine)
    assert raised.value.code is ErrorCode.FILE_FORMAT


def test_the_users_of_every_organization_are_read(reader: Reader) -> None:
    humans = [{"userId": str(n), "user": {"profile": {}, "email": {"email": f"{n}@example.com"}}} for n in range(3)]
    first, last = {"orgId": "1", "humanUsers": humans[:2]}, {"orgId": "3", "humanUsers": humans[2:]}
    document = {"timeout": "10m", "dataOrgs": {"orgs": [first, {"orgId": "2"}, last]}}
    found, users = read_text(reader, json.dumps(document), "users.json")
    assert (found, [user["user_id"] for user in users]) == ("zitadel", ["0", "1", "2"])


def test_two_arrays_of_users_beside_each_other_are_refused(reader: Reader) -> None:
    text = json.dumps({"result": [{"human": {"email": ANN}, "state": "x"}], "humanUsers": []})
    with pytest.raises(FileFault) as raised:
        read_users(reader.source(text.encode(), "users.json"), engine=reader.engine)
    assert raised.value.code is ErrorCode.FILE_FORMAT
