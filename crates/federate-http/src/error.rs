use federate::BackChannelError;

/// Why something could not be fetched or asked. It is for the operator.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HttpError {
    /// The address is no absolute `https:` URL, or no `http:` URL where that is allowed.
    #[error("the address is no {expected} URL")]
    Scheme {
        /// What it may be.
        expected: &'static str,
    },
    /// The name resolves to an address to which this service does not connect.
    #[error("the address is of a private network, to which no connection is made")]
    AddressRefused,
    /// Nobody answers, or what answers is not whom its certificate should name.
    #[error("no connection: {reason}")]
    Unreachable {
        /// What the connection's end says.
        reason: String,
    },
    /// It took too long.
    #[error("no complete answer within {seconds} seconds")]
    Timeout {
        /// The bound.
        seconds: u64,
    },
    /// The answer is of another status than one that can be used.
    #[error("the answer has the status {status}")]
    Status {
        /// The status.
        status: u16,
    },
    /// The answer leads elsewhere, where redirects are not followed, or too often.
    #[error("the answer is a redirect that is not followed")]
    Redirect,
    /// The answer is longer than allowed, also when it is unpacked.
    #[error("the answer is longer than {allowed} bytes")]
    TooLarge {
        /// The bound, in bytes.
        allowed: u64,
    },
    /// The answer broke off, or cannot be unpacked.
    #[error("the answer is incomplete: {reason}")]
    Incomplete {
        /// How it broke off.
        reason: String,
    },
    /// The answer is of another type than a SOAP envelope.
    #[error("the answer is no SOAP envelope")]
    NotAnEnvelope,
    /// What came could not be written where it was to go.
    #[error("the answer could not be kept: {0}")]
    Sink(#[source] std::io::Error),
    /// The client could not be made.
    #[error("the HTTP client could not be made: {reason}")]
    Setup {
        /// Why.
        reason: String,
    },
}

impl HttpError {
    /// The stable machine code of this error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Scheme { .. } => "http.scheme",
            Self::AddressRefused => "http.address_refused",
            Self::Unreachable { .. } => "http.unreachable",
            Self::Timeout { .. } => "http.timeout",
            Self::Status { .. } => "http.status",
            Self::Redirect => "http.redirect",
            Self::TooLarge { .. } => "http.too_large",
            Self::Incomplete { .. } => "http.incomplete",
            Self::NotAnEnvelope => "http.not_an_envelope",
            Self::Sink(_) => "http.sink",
            Self::Setup { .. } => "http.setup",
        }
    }
}

impl From<HttpError> for BackChannelError {
    fn from(error: HttpError) -> Self {
        let why = format!("{error} ({})", error.code());
        match error {
            HttpError::Scheme { .. }
            | HttpError::AddressRefused
            | HttpError::Unreachable { .. }
            | HttpError::Sink(_)
            | HttpError::Setup { .. } => Self::Unreachable(why),
            HttpError::Timeout { .. } => Self::NoAnswer(why),
            HttpError::Status { .. }
            | HttpError::Redirect
            | HttpError::TooLarge { .. }
            | HttpError::Incomplete { .. }
            | HttpError::NotAnEnvelope => Self::NoEnvelope(why),
        }
    }
}
