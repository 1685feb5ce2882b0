//! Every rule: a row each.

use super::{Rule, RuleGroup, Severity};

macro_rules! rules {
    ($($name:ident: $code:literal, $group:ident, $severity:ident, $reason:literal, $fix:literal;)*) => {
        $(pub(super) static $name: Rule = Rule {
            code: $code,
            group: RuleGroup::$group,
            severity: Severity::$severity,
            reason: $reason,
            fix: $fix,
        };)*

        /// Every rule there is.
        pub static RULES: &[&Rule] = &[$(&$name),*];
    };
}

rules! {
    VALID_UNTIL_PAST: "lint.valid_until_past", General, Error,
        "the description is over: nobody may use it any more",
        "Publish it anew with a validUntil ahead.";
    VALID_UNTIL_MISSING: "lint.valid_until_missing", General, Warning,
        "there is no validUntil: an old copy can be replayed for ever",
        "Publish with a validUntil some days or weeks ahead, and renew it.";
    VALID_UNTIL_FAR: "lint.valid_until_far", General, Warning,
        "validUntil lies far ahead: so long can an old copy be replayed",
        "Publish with a validUntil some days or weeks ahead, and renew it.";
    CACHE_OUTLIVES: "lint.cache_outlives", General, Note,
        "cacheDuration is longer than the description is valid",
        "Choose a cacheDuration of hours, well below the time until validUntil.";
    CERTIFICATE_EXPIRED: "lint.certificate_expired", General, Warning,
        "the certificate has expired; metadata only carries its key, but many products refuse it",
        "Roll over to a key with a certificate that holds for years.";
    CERTIFICATE_EXPIRING: "lint.certificate_expiring", General, Warning,
        "the certificate expires soon",
        "Roll over: publish the next key now, and sign with it when all peers know it.";
    CERTIFICATE_NOT_YET: "lint.certificate_not_yet_valid", General, Warning,
        "the certificate is not valid yet; products that look at dates refuse it",
        "Make certificates that begin some minutes before they are published.";
    CERTIFICATE_SHA1: "lint.certificate_sha1", General, Note,
        "the certificate is signed with SHA-1 or MD5; its key is no weaker for that, but scanners \
         and some products refuse it",
        "Make a certificate for the same key that is signed with SHA-256.";
    WEAK_KEY: "lint.weak_key", General, Error,
        "the RSA key has less than 2048 bits: it can be broken, or soon will be",
        "Roll over to RSA with 2048 bits at least.";
    NO_SIGNING_KEY: "lint.no_signing_key", General, Error,
        "the role signs, and has no key for signing",
        "Add a KeyDescriptor with use=\"signing\".";
    NO_ENCRYPTION_KEY: "lint.no_encryption_key", General, Note,
        "nobody can encrypt assertions for the service provider",
        "Add a KeyDescriptor with use=\"encryption\" and an RSA key.";
    KEY_SHARED: "lint.key_shared", General, Warning,
        "several entities sign with one key: each can speak for the others",
        "Give each entity a key of its own.";
    ENDPOINT_HTTP: "lint.endpoint_http", General, Error,
        "messages go there without encryption",
        "Publish an https: address.";
    ENDPOINT_UNREACHABLE: "lint.endpoint_unreachable", General, Warning,
        "the host is a private or local one: browsers and peers elsewhere do not reach it",
        "Publish the public name of the service.";
    ENDPOINT_DUPLICATE: "lint.endpoint_duplicate", General, Warning,
        "the same endpoint stands there twice",
        "Remove one of them.";
    BINDING_UNSUPPORTED: "lint.binding_unsupported", General, Note,
        "no profile of SAML 2.0 uses this service by this binding",
        "Remove the endpoint, or publish its SAML 2.0 binding.";
    DUPLICATE_INDEX: "lint.duplicate_index", General, Error,
        "several endpoints of one service have the same index: requests that name it mean \
         different ones at different peers",
        "Number the endpoints of each service.";
    SEVERAL_DEFAULTS: "lint.several_defaults", General, Warning,
        "several endpoints of one service claim to be the default",
        "Leave isDefault=\"true\" at one of them.";
    NO_DEFAULT_ACS: "lint.no_default_acs", General, Note,
        "none of several assertion consumer services is the default: the first counts, but some \
         peers choose by rules of their own",
        "Put isDefault=\"true\" at one of them.";
    NO_ACS_POST: "lint.no_acs_post", General, Error,
        "there is no assertion consumer service for HTTP-POST, the only binding that every \
         identity provider has",
        "Add one.";
    NO_SSO: "lint.no_sso", General, Error,
        "there is no single sign-on service for HTTP-Redirect or HTTP-POST",
        "Add one for each.";
    SCOPE_WILDCARD: "lint.scope_wildcard", General, Error,
        "the scope is a wildcard or a whole top-level domain: the identity provider could speak \
         for everybody",
        "List the domains that belong to it.";
    SCOPE_REGEXP: "lint.scope_regexp", General, Warning,
        "the scope is a regular expression, which peers read differently",
        "List the domains, with regexp=\"false\".";
    SCOPE_UNSUPPORTED: "lint.scope_unsupported", General, Error,
        "the scope is a regular expression that is not run: it matches nothing",
        "List the domains, with regexp=\"false\".";
    HOST_OUTSIDE_SCOPES: "lint.host_outside_scopes", General, Note,
        "the endpoint's host lies in none of the scopes; usual for hosted services, and otherwise \
         a sign of a wrong scope or a stranger's endpoint",
        "Compare the scopes with the domains of the organization.";
    CATEGORY_SELF_ASSERTED: "lint.category_self_asserted", General, Warning,
        "categories or certifications without the word of a registrar: they prove nothing",
        "Have the registrar check and sign them; do not release attributes for them otherwise.";
    ENTITY_ID_FORM: "lint.entity_id_form", General, Warning,
        "the entityID is neither a URL nor a URN: nothing keeps others from choosing the same",
        "Choose an https: URL in a domain of one's own; changing it means telling all peers.";
    NO_ROLE: "lint.no_role", General, Warning,
        "the entity has no role of SAML 2.0",
        "Add a role that supports urn:oasis:names:tc:SAML:2.0:protocol.";
    NO_DISPLAY_NAME: "lint.no_display_name", General, Warning,
        "people are shown the entityID: there is no mdui:DisplayName",
        "Add an mdui:UIInfo with a name in each language.";
    NO_CONTACT: "lint.no_contact", General, Note,
        "there is nobody to ask: no technical or support contact",
        "Add a ContactPerson with a mail address.";
    NO_SECURITY_CONTACT: "lint.no_security_contact", General, Warning,
        "Sirtfi is claimed, and there is no security contact, which it demands",
        "Add a ContactPerson of the REFEDS security type.";
    NO_ORGANIZATION: "lint.no_organization", General, Note,
        "nobody stands behind the entity: there is no Organization",
        "Add an Organization with names and address.";
    READ_LENIENTLY: "lint.read_leniently", General, Warning,
        "not all of the description could be read as it stands",
        "Correct it: others may refuse the whole.";
    DUPLICATE_ENTITY: "lint.duplicate_entity", General, Error,
        "the group describes an entity twice; the first counts here, the last elsewhere",
        "Remove one of them.";

    ADFS_ENDPOINT_HTTP: "lint.adfs.endpoint_http", Adfs, Error,
        "AD FS takes https: addresses only",
        "Publish https: addresses.";
    ADFS_KEY_TYPE: "lint.adfs.key_type", Adfs, Error,
        "AD FS verifies and encrypts with RSA keys only",
        "Publish an RSA key.";
    ADFS_CERTIFICATE_MISSING: "lint.adfs.certificate_missing", Adfs, Error,
        "AD FS reads keys out of certificates only",
        "Publish the key in an X509Certificate.";
    ADFS_ENCRYPTION_CERTIFICATES: "lint.adfs.several_encryption_certificates", Adfs, Warning,
        "AD FS keeps one encryption certificate per relying party",
        "Publish one encryption certificate; keep the old key for decryption.";
    ADFS_DUPLICATE_INDEX: "lint.adfs.duplicate_index", Adfs, Error,
        "AD FS refuses endpoints of one service with the same index",
        "Number the endpoints of each service.";
    ADFS_DUPLICATE_ENDPOINT: "lint.adfs.duplicate_endpoint", Adfs, Error,
        "AD FS refuses the same endpoint twice",
        "Remove one of them.";
    ADFS_NO_ACS_POST: "lint.adfs.no_acs_post", Adfs, Error,
        "AD FS needs an assertion consumer service for HTTP-POST",
        "Add one.";
    ADFS_BINDING_SKIPPED: "lint.adfs.binding_skipped", Adfs, Note,
        "AD FS skips endpoints of this binding, with a warning at the import",
        "Nothing, if there is another endpoint of the service.";
    ADFS_ENTITY_ID_CASE: "lint.adfs.entity_id_case", Adfs, Error,
        "AD FS takes entityIDs that differ in case for the same",
        "Choose identifiers that differ in more.";
    ADFS_CERTIFICATE_SHARED: "lint.adfs.certificate_shared", Adfs, Error,
        "AD FS refuses a second claims provider with the same signing certificate",
        "Give each identity provider a certificate of its own.";

    ENTRA_REPLY_URL_HTTP: "lint.entra.reply_url_http", Entra, Error,
        "Entra takes reply URLs with https: only, but for localhost",
        "Publish an https: address.";
    ENTRA_REPLY_URL_WILDCARD: "lint.entra.reply_url_wildcard", Entra, Error,
        "the reply URL has a wildcard: responses could be sent to a stranger",
        "Publish each address.";
    ENTRA_REPLY_URL_LONG: "lint.entra.reply_url_long", Entra, Error,
        "Entra takes reply URLs of at most 256 characters",
        "Publish a shorter address.";
    ENTRA_NO_ACS_POST: "lint.entra.no_acs_post", Entra, Error,
        "Entra sends responses by HTTP-POST only",
        "Add an assertion consumer service for HTTP-POST.";
    ENTRA_NAME_ID_FORMAT: "lint.entra.name_id_format", Entra, Warning,
        "Entra gives none of the NameID formats that are asked for: it knows unspecified, \
         emailAddress, persistent and transient",
        "Add the unspecified format, or one of the others.";
    ENTRA_KEY_TYPE: "lint.entra.key_type", Entra, Error,
        "Entra verifies and encrypts with RSA keys only",
        "Publish an RSA key.";
    ENTRA_CERTIFICATE_MISSING: "lint.entra.certificate_missing", Entra, Error,
        "Entra takes keys as X.509 certificates only",
        "Publish the key in an X509Certificate.";
    ENTRA_LOGOUT_BINDING: "lint.entra.logout_binding", Entra, Warning,
        "Entra sends logout messages by HTTP-Redirect only",
        "Add a single logout service for HTTP-Redirect.";
}
