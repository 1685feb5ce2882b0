use super::Artifact;
use crate::attribute::XS_PREFIX;
use crate::extensions::{Extensions, declares, inside};
use crate::message::{
    StatusResponse, invalid, read_head, read_id, write_head, write_id, write_in_response_to,
    write_status,
};
use crate::names::{ARTIFACT, ARTIFACT_RESOLVE, ARTIFACT_RESPONSE};
use chrono::{DateTime, Utc};
use federate_types::{EntityId, MessageId, Status};
use federate_xml::{
    Canonicalization, CanonicalizationAlgorithm, Element, FromElement, Name, ReadError, Writer,
    canonicalize,
};

/// Asks for the message that an artifact stands for (`[SAMLCore] 3.5.1`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArtifactResolve {
    /// Its identifier, which the response repeats.
    pub id: MessageId,
    /// When it was made.
    pub issue_instant: DateTime<Utc>,
    /// Where it was sent.
    pub destination: Option<String>,
    /// Who asks.
    pub issuer: Option<EntityId>,
    /// What else it says, in other vocabularies.
    pub extensions: Extensions,
    /// What for.
    pub artifact: Artifact,
}

/// The answer to an [`ArtifactResolve`], with the message (`[SAMLCore] 3.5.2`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArtifactResponse {
    /// Its identifier.
    pub id: MessageId,
    /// When it was made.
    pub issue_instant: DateTime<Utc>,
    /// Where it was sent.
    pub destination: Option<String>,
    /// The request that it answers.
    pub in_response_to: Option<MessageId>,
    /// Who answers.
    pub issuer: Option<EntityId>,
    /// What else it says, in other vocabularies.
    pub extensions: Extensions,
    /// Whether the asking went well; how the message fared, it says itself.
    pub status: Status,
    /// The message, as a document of its own; none if the artifact stands for nothing, for
    /// example because it was resolved before.
    ///
    /// To be written it must be as this crate writes messages: in canonical form. One that was
    /// read also declares the namespaces of its surroundings, and is not to be believed for
    /// being here: [`verify_artifact_response`](crate::verify_artifact_response) is for that.
    pub message: Option<Vec<u8>>,
}

impl FromElement for ArtifactResolve {
    const ELEMENT: Name = ARTIFACT_RESOLVE;

    fn from_element(element: Element<'_>) -> Result<Self, ReadError> {
        let of = ARTIFACT_RESOLVE;
        let (id, issue_instant) = read_id(element, of)?;
        let mut children = element.children(of)?;
        let (issuer, extensions) = read_head(&mut children)?;
        let artifact = children.required(ARTIFACT)?.trimmed_text()?;
        children.finish()?;
        Ok(Self {
            id,
            issue_instant,
            destination: element.attribute("Destination").map(str::to_owned),
            issuer,
            extensions,
            artifact: Artifact::parse(&artifact).map_err(invalid(of))?,
        })
    }
}

impl ArtifactResolve {
    /// Writes the request; its signature belongs right after the Issuer.
    pub fn write(&self, w: &mut Writer) {
        w.start(ARTIFACT_RESOLVE);
        write_id(w, &self.id, self.issue_instant, self.destination.as_deref());
        write_head(w, ARTIFACT_RESOLVE, self.issuer.as_ref(), &self.extensions);
        w.element(ARTIFACT, &self.artifact.to_string());
        w.end();
    }
}

/// An element as a document of its own that means the same: with the namespaces in scope.
fn standing_alone(element: Element<'_>) -> Vec<u8> {
    let method = Canonicalization {
        algorithm: CanonicalizationAlgorithm::Inclusive10,
        with_comments: true,
        inclusive_prefixes: Vec::new(),
    };
    let mut octets = Vec::with_capacity(4 * 1024);
    canonicalize(element, None, &method, &mut octets);
    octets
}

/// The message inside an ArtifactResponse, if there is one.
pub(super) fn embedded(response: Element<'_>) -> Result<Option<Element<'_>>, ReadError> {
    let (_, mut children) = StatusResponse::read(response, ARTIFACT_RESPONSE)?;
    let message = children.any();
    children.finish()?;
    Ok(message)
}

impl FromElement for ArtifactResponse {
    const ELEMENT: Name = ARTIFACT_RESPONSE;

    fn from_element(element: Element<'_>) -> Result<Self, ReadError> {
        let (head, mut children) = StatusResponse::read(element, ARTIFACT_RESPONSE)?;
        let message = children.any();
        children.finish()?;
        Ok(Self {
            id: head.id,
            issue_instant: head.issue_instant,
            destination: head.destination,
            in_response_to: head.in_response_to,
            issuer: head.issuer,
            extensions: head.extensions,
            status: head.status,
            message: message.map(standing_alone),
        })
    }
}

impl ArtifactResponse {
    /// Writes the response; its signature belongs right after the Issuer.
    ///
    /// The outer element has a prefix of its own, so that the message inside is canonical with
    /// the declarations that it has, and can be hashed as it stands.
    pub fn write(&self, w: &mut Writer) {
        w.start(ARTIFACT_RESPONSE);
        write_id(w, &self.id, self.issue_instant, self.destination.as_deref());
        write_in_response_to(w, self.in_response_to.as_ref());
        write_head(w, ARTIFACT_RESPONSE, self.issuer.as_ref(), &self.extensions);
        write_status(w, &self.status);
        if let Some(message) = &self.message {
            if declares(message, XS_PREFIX) {
                w.values_use(XS_PREFIX);
            }
            if declares(message, ARTIFACT_RESPONSE.prefix) {
                w.embed(&inside(ARTIFACT_RESPONSE, message));
            } else {
                w.embed(message);
            }
        }
        w.end();
    }
}
