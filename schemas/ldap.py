"""Names of attributes of LDAP directories, which are compared regardless of case, and which of them are binary."""

ATTRIBUTES = (
    *("objectClass", "uid", "cn", "sn", "givenName", "initials", "displayName", "mail", "memberOf", "userPassword"),
    *("telephoneNumber", "mobile", "homePhone", "preferredLanguage", "title", "ou", "entryUUID", "nsUniqueId"),
    *("ipaUniqueID", "createTimestamp", "modifyTimestamp", "nsAccountLock", "pwdAccountLockedTime", "loginDisabled"),
    *("sAMAccountName", "userPrincipalName", "userAccountControl", "objectGUID", "pwdLastSet", "lastLogon"),
    *("lastLogonTimestamp", "whenCreated", "whenChanged", "accountExpires", "distinguishedName", "authTimestamp"),
    *("changetype", "sAMAccountType", "isCriticalSystemObject"),
)
GUID = "objectGUID"  # 16 bytes, which are read as the text that everything else shows
BINARY = (
    *("jpegphoto", "photo", "thumbnailphoto", "thumbnaillogo", "audio", "usercertificate", "usersmimecertificate"),
    *("userpkcs12", "cacertificate", "objectsid", "sidhistory", "logonhours", "ntsecuritydescriptor"),
    *("msexchmailboxguid", "msexchmailboxsecuritydescriptor", "ms-ds-consistencyguid", "krbprincipalkey"),
)
NOT_ENTRIES = ("version", "search", "result", "ref", "control")  # what programs write beside entries
