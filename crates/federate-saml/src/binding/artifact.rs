//! HTTP-Artifact (`[SAMLBind] 3.6`): the browser carries a name for the message, in a query or
//! a form, and the receiver fetches the message itself over [`soap`](super::soap).

use super::parameters::{Parameters, encode};
use super::post::auto_submit;
use crate::artifact::Artifact;
use crate::error::BindingError;
use federate_types::RelayState;

const PARAMETER: &str = "SAMLart";

/// The address to which the browser is redirected with the artifact (`[SAMLBind] 3.6.3`).
#[must_use]
pub fn artifact_url(
    location: &str,
    artifact: &Artifact,
    relay_state: Option<&RelayState>,
) -> String {
    let separator = if location.contains('?') { '&' } else { '?' };
    let artifact = encode(&artifact.to_string());
    let mut url = format!("{location}{separator}{PARAMETER}={artifact}");
    if let Some(state) = relay_state {
        url.push_str("&RelayState=");
        url.push_str(&encode(state.as_str()));
    }
    url
}

/// A form that takes an artifact to its destination (`[SAMLBind] 3.6.3`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArtifactForm {
    /// Where the form is sent.
    pub action: String,
    /// What it takes there.
    pub artifact: Artifact,
    /// The state that travels beside it.
    pub relay_state: Option<RelayState>,
}

impl ArtifactForm {
    /// A page that submits the form, as [`PostForm::to_html`](super::PostForm::to_html).
    #[must_use]
    pub fn to_html(&self, nonce: &str) -> String {
        let artifact = self.artifact.to_string();
        let mut fields = vec![(PARAMETER, artifact.as_str())];
        let relay_state = self.relay_state.as_ref();
        fields.extend(relay_state.map(|state| ("RelayState", state.as_str())));
        auto_submit(&self.action, &fields, nonce)
    }
}

/// An artifact as it came in a query or form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArtifactMessage {
    artifact: Artifact,
    relay_state: Option<RelayState>,
}

impl ArtifactMessage {
    /// Takes the artifact from a query (without its `?`) or from the body of a form; both are
    /// `application/x-www-form-urlencoded`.
    ///
    /// # Errors
    /// [`BindingError`]: exactly one artifact, of type 0x0004, and no message beside it.
    pub fn parse(text: &str) -> Result<Self, BindingError> {
        let parameters = Parameters::split(text)?;
        let artifact = parameters.value(PARAMETER)?;
        for other in ["SAMLRequest", "SAMLResponse"] {
            if parameters.raw(other).is_some() && artifact.is_some() {
                return Err(BindingError::Ambiguous(PARAMETER));
            }
        }
        let artifact = artifact.ok_or(BindingError::Missing(PARAMETER))?;
        let relay_state = parameters.value("RelayState")?;
        Ok(Self {
            artifact: Artifact::parse(&artifact)?,
            relay_state: relay_state.map(RelayState::received).transpose()?,
        })
    }

    /// The artifact.
    #[must_use]
    pub const fn artifact(&self) -> &Artifact {
        &self.artifact
    }

    /// The state that came beside it. No signature covers it.
    #[must_use]
    pub const fn relay_state(&self) -> Option<&RelayState> {
        self.relay_state.as_ref()
    }
}
