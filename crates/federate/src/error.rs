use crate::back_channel::BackChannelError;
use federate_crypto::CryptoError;
use federate_logout::LogoutError;
use federate_metadata::MetadataError;
use federate_saml::SamlError;
use federate_session::StoreError;
use federate_types::InvalidValue;

/// Why something could not be done.
///
/// It is for the operator. A browser or a peer is told that it failed, and a correlation id
/// by which the operator finds this.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FederateError {
    /// A message was refused.
    #[error(transparent)]
    Saml(#[from] SamlError),
    /// A peer's metadata cannot be used.
    #[error(transparent)]
    Metadata(#[from] MetadataError),
    /// The situation does not allow it.
    #[error(transparent)]
    Denied(#[from] Denial),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A logout could not go on.
    #[error(transparent)]
    Logout(#[from] LogoutError),
    /// A peer could not be asked directly.
    #[error(transparent)]
    BackChannel(#[from] BackChannelError),
    /// A key or the random source failed.
    #[error(transparent)]
    Crypto(#[from] CryptoError),
    /// A value is not of its type.
    #[error(transparent)]
    Value(#[from] InvalidValue),
    /// The program uses this library in a way that cannot work.
    #[error("configuration: {0}")]
    Configuration(&'static str),
}

/// What the situation does not allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Denial {
    /// Nobody of that name is configured here, and no federation has it.
    #[error("the message is from a party that is not known here")]
    UnknownPeer,
    /// The metadata of the party has no key that could verify its signatures.
    #[error("the party's metadata has no usable signing key")]
    NoSigningKey,
    /// The metadata of the party has no key to encrypt to.
    #[error("the party's metadata has no usable encryption key")]
    NoEncryptionKey,
    /// The metadata of the party has no endpoint for what is to be sent.
    #[error("the party's metadata has no endpoint for this")]
    NoEndpoint,
    /// Nobody asked for this response, and unsolicited ones are not allowed.
    #[error("nobody asked for this response")]
    Unsolicited,
    /// The request that this answers was never sent, has been answered, or is too old.
    #[error("the request is unknown, already answered, or too old")]
    UnknownRequest,
    /// The message was here before.
    #[error("the message was received before")]
    Replayed,
    /// The peer has brought more LogoutRequests than it may.
    #[error("the peer has sent more LogoutRequests than it may in this time")]
    TooManyRequests,
    /// The browser is not the one that began.
    #[error("the browser is not the one in which the login began")]
    OtherBrowser,
    /// The handle is unknown, used, or too old.
    #[error("the handle is unknown, already used, or too old")]
    UnknownHandle,
    /// The name or the password is wrong.
    #[error("the user name or the password is wrong")]
    WrongCredentials,
    /// There is no session.
    #[error("there is no session")]
    NoSession,
    /// The browser is not to be sent to that address after a logout.
    #[error("the address to return to is on no list")]
    ReturnTo,
    /// An identity provider of others is not to be asked for this request
    /// (`[SAMLCore] 3.4.1.2`).
    #[error("the request is not to be passed on to that identity provider")]
    MayNotBePassedOn,
    /// What an identity provider says rests on what we said, or goes through so many others that
    /// it must go round in circles.
    #[error("the identity provider's word rests on our own")]
    OwnWord,
    /// The session ended while it was being used.
    #[error("the session ended meanwhile")]
    SessionEnded,
}

impl Denial {
    /// The stable machine code of this denial.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::UnknownPeer => "denied.unknown_peer",
            Self::NoSigningKey => "denied.no_signing_key",
            Self::NoEncryptionKey => "denied.no_encryption_key",
            Self::NoEndpoint => "denied.no_endpoint",
            Self::Unsolicited => "denied.unsolicited",
            Self::UnknownRequest => "denied.unknown_request",
            Self::Replayed => "denied.replayed",
            Self::TooManyRequests => "denied.too_many_requests",
            Self::OtherBrowser => "denied.other_browser",
            Self::UnknownHandle => "denied.unknown_handle",
            Self::WrongCredentials => "denied.wrong_credentials",
            Self::NoSession => "denied.no_session",
            Self::ReturnTo => "denied.return_to",
            Self::MayNotBePassedOn => "denied.may_not_be_passed_on",
            Self::OwnWord => "denied.own_word",
            Self::SessionEnded => "denied.session_ended",
        }
    }
}

impl FederateError {
    /// The stable machine code of this error.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Saml(e) => e.code(),
            Self::Metadata(e) => e.code(),
            Self::Denied(e) => e.code(),
            Self::Store(e) => e.code(),
            Self::Logout(e) => e.code(),
            Self::BackChannel(e) => e.code(),
            Self::Crypto(e) => e.code(),
            Self::Value(e) => e.code(),
            Self::Configuration(_) => "configuration",
        }
    }

    /// What was expected and what came, where the error compares two values. The second may
    /// have been written by an attacker.
    #[must_use]
    pub fn expected_and_actual(&self) -> Option<(&str, &str)> {
        match self {
            Self::Saml(SamlError::Refused(refusal)) => Some((&refusal.expected, &refusal.actual)),
            _ => None,
        }
    }
}

impl From<federate_saml::Refusal> for FederateError {
    fn from(refusal: federate_saml::Refusal) -> Self {
        Self::Saml(refusal.into())
    }
}

impl From<federate_saml::BindingError> for FederateError {
    fn from(error: federate_saml::BindingError) -> Self {
        Self::Saml(error.into())
    }
}

impl From<federate_xml::XmlError> for FederateError {
    fn from(error: federate_xml::XmlError) -> Self {
        Self::Saml(error.into())
    }
}
