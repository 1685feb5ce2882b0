//! The vocabularies that extend metadata.

use federate_xml::{Name, XML};

/// Display and discovery of parties (`[MDUI] 2`).
pub(crate) const MDUI: &str = "urn:oasis:names:tc:SAML:metadata:ui";
/// Registration and publication (`[MDRPI]`).
pub(crate) const MDRPI: &str = "urn:oasis:names:tc:SAML:metadata:rpi";
/// Attributes of entities (`[MDAttr]`).
pub(crate) const MDATTR: &str = "urn:oasis:names:tc:SAML:metadata:attribute";
/// What Shibboleth added: scopes.
pub(crate) const SHIBMD: &str = "urn:mace:shibboleth:metadata:1.0";
/// Algorithms that a party supports (`[AlgSupport]`).
pub(crate) const ALG: &str = "urn:oasis:names:tc:SAML:metadata:algsupport";
/// Answers of discovery services (`[IdPDisco]`).
pub(crate) const IDPDISC: &str = "urn:oasis:names:tc:SAML:profiles:SSO:idp-discovery-protocol";
/// Starting sign-ins at a service provider (`[ReqInit]`).
pub(crate) const INIT: &str = "urn:oasis:names:tc:SAML:profiles:SSO:request-init";
/// Contacts for incidents (REFEDS).
pub(crate) const REMD: &str = "http://refeds.org/metadata";
/// What XML Encryption 1.1 added.
pub(crate) const XENC11: &str = "http://www.w3.org/2009/xmlenc11#";
/// What XML Signature 1.1 added.
pub(crate) const DSIG11: &str = "http://www.w3.org/2009/xmldsig11#";

pub(crate) const LANG: Name = Name::new(XML, "xml", "lang");

pub(crate) const fn mdui(local: &'static str) -> Name {
    Name::new(MDUI, "mdui", local)
}

pub(crate) const fn mdrpi(local: &'static str) -> Name {
    Name::new(MDRPI, "mdrpi", local)
}

pub(crate) const fn alg(local: &'static str) -> Name {
    Name::new(ALG, "alg", local)
}

pub(crate) const fn dsig11(local: &'static str) -> Name {
    Name::new(DSIG11, "dsig11", local)
}

pub(crate) const ENTITY_ATTRIBUTES: Name = Name::new(MDATTR, "mdattr", "EntityAttributes");
pub(crate) const SCOPE: Name = Name::new(SHIBMD, "shibmd", "Scope");
pub(crate) const DISCOVERY_RESPONSE: Name = Name::new(IDPDISC, "idpdisc", "DiscoveryResponse");
pub(crate) const REQUEST_INITIATOR: Name = Name::new(INIT, "init", "RequestInitiator");
pub(crate) const CONTACT_TYPE: Name = Name::new(REMD, "remd", "contactType");
pub(crate) const MGF: Name = Name::new(XENC11, "xenc11", "MGF");
