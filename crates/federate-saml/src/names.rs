//! Element names of `[SAMLCore]`, once.

use federate_xml::Name;

pub(crate) const ISSUER: Name = Name::saml("Issuer");
pub(crate) const ASSERTION: Name = Name::saml("Assertion");
pub(crate) const ENCRYPTED_ASSERTION: Name = Name::saml("EncryptedAssertion");
pub(crate) const SUBJECT: Name = Name::saml("Subject");
pub(crate) const NAME_ID: Name = Name::saml("NameID");
pub(crate) const ENCRYPTED_ID: Name = Name::saml("EncryptedID");
pub(crate) const SUBJECT_CONFIRMATION: Name = Name::saml("SubjectConfirmation");
pub(crate) const SUBJECT_CONFIRMATION_DATA: Name = Name::saml("SubjectConfirmationData");
pub(crate) const CONDITIONS: Name = Name::saml("Conditions");
pub(crate) const AUDIENCE_RESTRICTION: Name = Name::saml("AudienceRestriction");
pub(crate) const AUDIENCE: Name = Name::saml("Audience");
pub(crate) const ONE_TIME_USE: Name = Name::saml("OneTimeUse");
pub(crate) const PROXY_RESTRICTION: Name = Name::saml("ProxyRestriction");
pub(crate) const ADVICE: Name = Name::saml("Advice");
pub(crate) const AUTHN_STATEMENT: Name = Name::saml("AuthnStatement");
pub(crate) const SUBJECT_LOCALITY: Name = Name::saml("SubjectLocality");
pub(crate) const AUTHN_CONTEXT: Name = Name::saml("AuthnContext");
pub(crate) const AUTHN_CONTEXT_CLASS_REF: Name = Name::saml("AuthnContextClassRef");
pub(crate) const AUTHN_CONTEXT_DECL_REF: Name = Name::saml("AuthnContextDeclRef");
pub(crate) const AUTHENTICATING_AUTHORITY: Name = Name::saml("AuthenticatingAuthority");
pub(crate) const ATTRIBUTE_STATEMENT: Name = Name::saml("AttributeStatement");
pub(crate) const ATTRIBUTE: Name = Name::saml("Attribute");
pub(crate) const ENCRYPTED_ATTRIBUTE: Name = Name::saml("EncryptedAttribute");
pub(crate) const ATTRIBUTE_VALUE: Name = Name::saml("AttributeValue");

pub(crate) const RESPONSE: Name = Name::samlp("Response");
pub(crate) const AUTHN_REQUEST: Name = Name::samlp("AuthnRequest");
pub(crate) const LOGOUT_REQUEST: Name = Name::samlp("LogoutRequest");
pub(crate) const LOGOUT_RESPONSE: Name = Name::samlp("LogoutResponse");
pub(crate) const ARTIFACT_RESOLVE: Name = Name::samlp("ArtifactResolve");
/// With another prefix than the message that it contains.
pub(crate) const ARTIFACT_RESPONSE: Name =
    Name::new(federate_xml::SAMLP, "outer", "ArtifactResponse");
pub(crate) const ARTIFACT: Name = Name::samlp("Artifact");
pub(crate) const EXTENSIONS: Name = Name::samlp("Extensions");
pub(crate) const STATUS: Name = Name::samlp("Status");
pub(crate) const STATUS_CODE: Name = Name::samlp("StatusCode");
pub(crate) const STATUS_MESSAGE: Name = Name::samlp("StatusMessage");
pub(crate) const STATUS_DETAIL: Name = Name::samlp("StatusDetail");
pub(crate) const NAME_ID_POLICY: Name = Name::samlp("NameIDPolicy");
pub(crate) const REQUESTED_AUTHN_CONTEXT: Name = Name::samlp("RequestedAuthnContext");
pub(crate) const SCOPING: Name = Name::samlp("Scoping");
pub(crate) const IDP_LIST: Name = Name::samlp("IDPList");
pub(crate) const IDP_ENTRY: Name = Name::samlp("IDPEntry");
pub(crate) const GET_COMPLETE: Name = Name::samlp("GetComplete");
pub(crate) const REQUESTER_ID: Name = Name::samlp("RequesterID");
pub(crate) const SESSION_INDEX: Name = Name::samlp("SessionIndex");

pub(crate) const SIGNATURE: Name = Name::ds("Signature");
