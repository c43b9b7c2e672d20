"""Names that other systems have for the fields of users, for suggestions: what may be meant, to be looked at.

Names that can mean one field only are in `schemas.profiles.HEADER_ALIASES`.
"""

from collections.abc import Mapping

# folded name without separators → field; the last part of a path counts
LOOSE_NAMES: Mapping[str, str] = {
    name: field
    for field, names in {
        "email": ("primaryemail", "primaryemailaddress", "emails", "workemail", "emailprimary", "contactemail"),
        "email_verified": (
            *("verified", "isemailverified", "emailconfirmed", "confirmed", "isverified", "emailvalidated"),
            *("bestätigt", "verifiziert", "vérifié", "verificado"),
        ),
        "phone_number": ("phones", "mobilephonenumber", "cell", "cellphone", "tel", "phonenumbers", "primaryphone"),
        "user_id": ("id", "uid", "uuid", "guid", "externalid", "userid", "objectid", "localid", "sub", "recordid"),
        "username": (
            *("login", "userlogin", "loginname", "accountname", "samaccountname", "nick", "handle", "screenname"),
            *("benutzer", "anmeldename", "utilisateur", "usuario", "utente", "identifiant", "mitgliedsname", "usuário"),
        ),
        "given_name": ("first", "fname", "forename", "givennames", "nombre", "nombres", "nome"),
        "family_name": ("last", "lname", "sn", "nom"),
        "middle_name": ("middle", "middlename", "additionalname", "secondname"),
        "name": ("fullname", "displayname", "realname", "cn", "completename"),
        "picture": ("avatar", "avatarurl", "photo", "photourl", "image", "imageurl", "profileimage", "thumbnail"),
        "locale": (
            *("language", "lang", "preferredlanguage", "localeid", "sprache", "langue", "idioma", "lingua", "taal"),
        ),
        "zoneinfo": ("timezone", "tz", "timezoneid"),
        "birthdate": ("birthday", "dateofbirth", "dob", "birth"),
        "registered_at": (
            *("created", "createdat", "createdon", "creationdate", "dateadded", "joined", "joinedat", "signupdate"),
            *("registered", "registrationdate", "datejoined", "createdate", "createddate"),
            *("addedtoorg", "confirmtime", "angelegt", "angelegtam", "erstellt", "erstelltam", "registriertam"),
            *("dateinscription", "créé", "créele", "fechadealta", "fechadecreación", "creatoil"),
        ),
        "last_login_at": (
            *("lastlogin", "lastlogindate", "lastsignin", "lastsigninat", "lastseen", "lastloggedin", "lastaccess"),
            *("lastloginat", "lastaccessed", "letzteanmeldung", "letzterlogin", "dernièreconnexion", "últimoacceso"),
        ),
        "roles": ("role", "roles", "usertype", "orgrole", "rolle", "rollen", "rôle", "rôles", "rol", "ruolo"),
        "groups": (
            "group",
            "groups",
            "teams",
            "memberof",
            "grouplist",
            "gruppe",
            "gruppen",
            "groupe",
            "groupes",
            "grupo",
        ),
    }.items()
    for name in names
}

BLOCKED_NAMES = (
    *("blocked", "disabled", "suspended", "deactivated", "locked", "banned", "deleted", "archived", "inactive"),
    *("gesperrt", "deaktiviert", "gelöscht", "inaktiv", "bloqué", "désactivé", "supprimé", "bloqueado", "eliminado"),
)
ACTIVE_NAMES = (
    *("active", "enabled", "isactive", "isenabled", "accountenabled", "accountactive"),
    *("aktiv", "actif", "activo", "attivo", "actief"),
)
STATUS_NAMES = (
    "status",
    "state",
    "accountstatus",
    "userstatus",
    "accountstate",
    "zustand",
    "statut",
    "estado",
    "stato",
)
ACTIVE_WORDS = ("active", "enabled", "activated", "confirmed", "ok", "normal", "aktiv", "actif", "activo", "current")
BLOCKED_WORDS = (
    *("blocked", "disabled", "suspended", "deactivated", "locked", "banned", "deleted", "archived", "inactive"),
    *("deprovisioned", "terminated", "inaktiv", "gesperrt", "inactif", "inactivo", "removed"),
)
YES_WORDS = ("true", "t", "yes", "y", "on", "1", "1.0", "ja", "j", "oui", "o", "sí", "si", "s", "sim", "x")
NO_WORDS = ("false", "f", "no", "n", "off", "0", "0.0", "nein", "non", "não", "nao", "nee")
HASH_NAMES = ("passwordhash", "hash", "hashedpassword", "encryptedpassword", "passworddigest")
PASSWORD_NAMES = (
    *HASH_NAMES,
    *("password", "passwd"),
    *("userpass", "pass", "passwordprofile", "userpassword"),
)
