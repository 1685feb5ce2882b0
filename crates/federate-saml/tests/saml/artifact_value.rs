//! A154: what an artifact is, how it travels, and that what it says of its issuer only serves to
//! find a party that is known.

use crate::artifact::{accept_resolve, artifact, resolve, source};
use crate::redirect::{escape, state};
use crate::support::*;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use federate_saml::binding::{
    ArtifactForm, ArtifactMessage, PostMessage, RedirectMessage, artifact_url,
};
use federate_saml::{Artifact, ArtifactResolve, BindingError, MessageKind, Rule, unsigned_xml};
use federate_types::InvalidValue;
use federate_xml::{Limits, Unverified};

const ARS: &str = "https://idp.example/saml/artifact";
/// Made by another program: SHA-1 of the identity provider, index 1, handle 00 to 13.
const KNOWN: &str = "AAQAAb8Rr4Hf2jf+sjB66pk8f+fCfLfrAAECAwQFBgcICQoLDA0ODxAREhM=";

/// Only 44 octets of type 4 are an artifact, written in one way; the handle is not printed.
#[test]
fn a154_what_is_no_artifact() {
    assert_eq!(artifact().to_string(), KNOWN);
    assert_eq!(Artifact::parse(KNOWN), Ok(artifact()));
    assert!(!format!("{:?}", artifact()).contains("handle"));
    let octets = STANDARD.decode(KNOWN).unwrap();
    let other_type = [&[0, 3][..], &octets[2..]].concat();
    let swapped_type = [&[4, 0][..], &octets[2..]].concat();
    let longer = [&octets[..], &[0]].concat();
    for bad in [
        String::new(),
        STANDARD.encode(other_type),
        STANDARD.encode(swapped_type),
        STANDARD.encode(&octets[..43]),
        STANDARD.encode(&octets[..24]),
        STANDARD.encode(&octets[..3]),
        STANDARD.encode(longer),
        KNOWN.trim_end_matches('=').to_owned(),
        format!("{KNOWN}="),
        format!(" {KNOWN}"),
        format!("{}\n{}", &KNOWN[..20], &KNOWN[20..]),
        KNOWN.replace(['+', '/'], "-"),
        // Other bits where base64 has none.
        format!("{}N=", &KNOWN[..58]),
    ] {
        let invalid = || InvalidValue::new("Artifact", "an artifact of type 0x0004");
        if bad == KNOWN {
            continue;
        }
        assert_eq!(Artifact::parse(&bad), Err(invalid()), "{bad}");
        let query = format!("SAMLart={}", escape(&bad, false));
        fails(
            ArtifactMessage::parse(&query),
            BindingError::Value(invalid()),
            "value.invalid",
        );
        let text = String::from_utf8(unsigned_xml(&resolve())).unwrap();
        let text = swap(&text, KNOWN, &format!("x{bad}"));
        let message = Unverified::<ArtifactResolve>::parse(text.as_bytes(), &Limits::default());
        let error = message.unwrap().read_unsigned().unwrap_err();
        assert_eq!(error.code(), "schema.invalid_value");
    }
}

/// One artifact, and no message beside it.
#[test]
fn a154_parameters() {
    let query = format!("SAMLart={}&RelayState=a", escape(KNOWN, true));
    assert_eq!(
        ArtifactMessage::parse(&query).unwrap().artifact(),
        &artifact()
    );
    let code = "binding.ambiguous_parameter";
    let twice = || BindingError::Ambiguous("SAMLart");
    fails(
        ArtifactMessage::parse(&format!("{query}&SAMLart=x")),
        twice(),
        code,
    );
    for name in ["SAMLRequest", "SAMLResponse"] {
        fails(
            ArtifactMessage::parse(&format!("{query}&{name}=x")),
            twice(),
            code,
        );
        let missing = BindingError::Missing("SAMLart");
        let result = ArtifactMessage::parse(&format!("{name}=x"));
        fails(result, missing, "binding.missing_parameter");
    }
    // The other bindings do not take a message beside an artifact either.
    let limits = Limits::default();
    let both = format!("SAMLResponse=PGEvPg%3D%3D&{query}");
    let error = || BindingError::Ambiguous("SAMLResponse");
    fails(
        PostMessage::parse(&both, MessageKind::Response, &limits),
        error(),
        code,
    );
    fails(
        RedirectMessage::parse(&both, MessageKind::Response, &limits),
        error(),
        code,
    );
    let escaped = swap(&query, "SAMLart", "SAML%61rt");
    let result = ArtifactMessage::parse(&escaped);
    fails(result, BindingError::EscapedName, "binding.escaped_name");
    let form = ArtifactForm {
        action: ACS.to_owned(),
        artifact: artifact(),
        relay_state: Some(state()),
    };
    assert!(
        form.to_html("nonce")
            .contains(&format!("name=\"SAMLart\" value=\"{KNOWN}\""))
    );
    let two = artifact_url("https://sp.example/acs?a=b", &artifact(), None);
    assert!(two.starts_with("https://sp.example/acs?a=b&SAMLart="));
}

/// The source is compared in whole, and is not taken from another party.
#[test]
fn a154_source_id_of_another() {
    accept_resolve(&resolve()).unwrap();
    let foreign = Artifact::new(source("https://idp.example/saml/"), 1, [0; 20]);
    assert!(!foreign.is_from(&entity(IDP), &provider()));
    let mut request = resolve();
    request.artifact = foreign;
    let code = "artifact.source_mismatch";
    refused(accept_resolve(&request), Rule::ArtifactSource, code);
}

/// An index that the metadata does not have is nobody's: there is no default.
#[test]
fn a154_endpoint_index_out_of_bounds() {
    let services = [(0, "https://idp.example/other"), (1, ARS)];
    assert_eq!(artifact().resolution_service(services), Ok(ARS));
    for index in [2, 256, u16::MAX] {
        let artifact = Artifact::new(source(IDP), index, [0; 20]);
        let read = Artifact::parse(&artifact.to_string()).unwrap();
        assert_eq!(read.endpoint_index(), index);
        let result = read.resolution_service(services);
        refused(result, Rule::ArtifactEndpoint, "artifact.unknown_endpoint");
    }
    refused(
        artifact().resolution_service([]),
        Rule::ArtifactEndpoint,
        "artifact.unknown_endpoint",
    );
}
