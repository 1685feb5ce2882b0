use super::Artifact;
use crate::attribute::XS_PREFIX;
use crate::message::{
    invalid, read_head, read_id, read_message_id, read_status, write_id, write_issuer, write_status,
};
use crate::names::{ARTIFACT, ARTIFACT_RESOLVE, ARTIFACT_RESPONSE, STATUS};
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
        let issuer = read_head(&mut children)?;
        let artifact = children.required(ARTIFACT)?.trimmed_text()?;
        children.finish()?;
        Ok(Self {
            id,
            issue_instant,
            destination: element.attribute("Destination").map(str::to_owned),
            issuer,
            artifact: Artifact::parse(&artifact).map_err(invalid(of))?,
        })
    }
}

impl ArtifactResolve {
    /// Writes the request; its signature belongs right after the Issuer.
    pub fn write(&self, w: &mut Writer) {
        w.start(ARTIFACT_RESOLVE);
        write_id(w, &self.id, self.issue_instant);
        w.optional_attribute(Name::local("Destination"), self.destination.as_deref());
        if let Some(issuer) = &self.issuer {
            write_issuer(w, issuer);
        }
        w.signature_belongs_here();
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
    let mut children = response.children(ARTIFACT_RESPONSE)?;
    read_head(&mut children)?;
    children.required(STATUS)?;
    let message = children.any();
    children.finish()?;
    Ok(message)
}

impl FromElement for ArtifactResponse {
    const ELEMENT: Name = ARTIFACT_RESPONSE;

    fn from_element(element: Element<'_>) -> Result<Self, ReadError> {
        let of = ARTIFACT_RESPONSE;
        let (id, issue_instant) = read_id(element, of)?;
        let mut children = element.children(of)?;
        let issuer = read_head(&mut children)?;
        let status = read_status(children.required(STATUS)?)?;
        Ok(Self {
            id,
            issue_instant,
            destination: element.attribute("Destination").map(str::to_owned),
            in_response_to: read_message_id(element, of, "InResponseTo")?,
            issuer,
            status,
            message: embedded(element)?.map(standing_alone),
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
        write_id(w, &self.id, self.issue_instant);
        w.optional_attribute(Name::local("Destination"), self.destination.as_deref());
        let in_response_to = self.in_response_to.as_ref().map(MessageId::as_str);
        w.optional_attribute(Name::local("InResponseTo"), in_response_to);
        if let Some(issuer) = &self.issuer {
            write_issuer(w, issuer);
        }
        w.signature_belongs_here();
        write_status(w, &self.status);
        if let Some(message) = &self.message {
            let declares = format!(" xmlns:{XS_PREFIX}=");
            if message
                .windows(declares.len())
                .any(|w| w == declares.as_bytes())
            {
                w.values_use(XS_PREFIX);
            }
            w.embed(message);
        }
        w.end();
    }
}
