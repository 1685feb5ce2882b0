//! Strategies for arbitrary messages: every value that its type allows, markup and characters
//! beyond ASCII among them.

use crate::support::provider;
use chrono::{DateTime, Utc};
use federate_saml::{
    Artifact, ArtifactResolve, ArtifactResponse, Assertion, Attribute, AttributeValue,
    AuthnRequest, AuthnStatement, Comparison, Conditions, Extension, Extensions, LogoutRequest,
    LogoutResponse, NameIdPolicy, RequestedAuthnContext, Response, Scoping, SourceId, Subject,
    SubjectConfirmation,
};
use federate_types::{
    Binding, EntityId, MessageId, NameId, NameIdFormat, ProxyRestriction, RelayState, SessionIndex,
    Status, StatusCode,
};
use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;

/// A character that XML can carry; markup and white space often.
pub(crate) fn character() -> impl Strategy<Value = char> {
    let xml = |c: &char| {
        !c.is_control() && !matches!(c, '\u{fffe}' | '\u{ffff}') || matches!(c, '\t' | '\n' | '\r')
    };
    prop_oneof![
        3 => prop::sample::select("<>&\"'=-!?[];#/: \t\r\nabcXYZ019".chars().collect::<Vec<_>>()),
        1 => prop::sample::select("éßİıﬁ中🔑\u{a0}\u{200b}\u{feff}\u{301}\u{2028}\u{85}".chars().collect::<Vec<_>>()),
        1 => any::<char>().prop_filter("a character of XML", xml),
    ]
}

pub(crate) fn text() -> impl Strategy<Value = String> {
    vec(character(), 0..24).prop_map(String::from_iter)
}

/// For types that allow neither control characters nor nothing.
pub(crate) fn printable() -> impl Strategy<Value = String> {
    vec(character(), 1..24).prop_map(|chars| {
        let text: String = chars.into_iter().filter(|c| !c.is_control()).collect();
        if text.is_empty() {
            "x".to_owned()
        } else {
            text
        }
    })
}

/// For URIs that are read without white space around them.
pub(crate) fn uri() -> impl Strategy<Value = String> {
    printable().prop_map(|text| format!("u{text}u"))
}

pub(crate) fn entity_id() -> impl Strategy<Value = EntityId> {
    printable().prop_map(|text| {
        let text: String = text.chars().filter(|c| !c.is_whitespace()).collect();
        EntityId::new(format!("u{text}")).unwrap()
    })
}

pub(crate) fn message_id() -> impl Strategy<Value = MessageId> {
    any::<[u8; 20]>().prop_map(MessageId::from_random)
}

pub(crate) fn instant() -> impl Strategy<Value = DateTime<Utc>> {
    // Years 1 to 9999.
    (-62_135_596_800i64..253_402_300_800).prop_map(|s| DateTime::from_timestamp(s, 0).unwrap())
}

pub(crate) fn format() -> impl Strategy<Value = NameIdFormat> {
    prop_oneof![
        Just(NameIdFormat::EmailAddress),
        Just(NameIdFormat::Persistent),
        Just(NameIdFormat::Unspecified),
        text().prop_map(|uri| NameIdFormat::from_uri(&uri)),
    ]
}

pub(crate) fn name_id() -> impl Strategy<Value = NameId> {
    let parts = (printable(), of(format()), of(entity_id()), of(entity_id()));
    parts.prop_map(|(value, format, name_qualifier, sp_name_qualifier)| {
        let mut name_id = NameId::new(value, format).unwrap();
        name_id.name_qualifier = name_qualifier;
        name_id.sp_name_qualifier = sp_name_qualifier;
        name_id
    })
}

pub(crate) fn session_index() -> impl Strategy<Value = SessionIndex> {
    printable().prop_map(|text| SessionIndex::new(text).unwrap())
}

pub(crate) fn attribute() -> impl Strategy<Value = Attribute> {
    let value = prop_oneof![
        text().prop_map(AttributeValue::Text),
        name_id().prop_map(AttributeValue::NameId),
    ];
    (text(), of(text()), of(text()), vec(value, 0..4)).prop_map(
        |(name, name_format, friendly_name, values)| Attribute {
            name,
            name_format,
            friendly_name,
            values,
        },
    )
}

pub(crate) fn confirmation() -> impl Strategy<Value = SubjectConfirmation> {
    let parts = (
        text(),
        of(instant()),
        of(instant()),
        of(text()),
        of(message_id()),
    );
    parts.prop_map(
        |(method, not_before, not_on_or_after, recipient, in_response_to)| SubjectConfirmation {
            method,
            not_before,
            not_on_or_after,
            recipient,
            in_response_to,
        },
    )
}

pub(crate) fn conditions() -> impl Strategy<Value = Conditions> {
    let parts = (
        of(instant()),
        of(instant()),
        vec(vec(text(), 0..3), 0..3),
        any::<bool>(),
        of((of(any::<u32>()), vec(text(), 0..3))),
    );
    parts.prop_map(
        |(not_before, not_on_or_after, audience_restrictions, one_time_use, proxy)| Conditions {
            not_before,
            not_on_or_after,
            audience_restrictions,
            one_time_use,
            proxy_restriction: proxy
                .map(|(count, audiences)| ProxyRestriction { count, audiences }),
            unknown: 0,
        },
    )
}

pub(crate) fn statement() -> impl Strategy<Value = AuthnStatement> {
    let parts = (
        instant(),
        of(session_index()),
        of(instant()),
        of(uri()),
        vec(uri(), 0..3),
    );
    parts.prop_map(
        |(authn_instant, session_index, until, authn_context, authorities)| AuthnStatement {
            authn_instant,
            session_index,
            session_not_on_or_after: until,
            authn_context,
            authenticating_authorities: authorities,
        },
    )
}

pub(crate) fn assertion() -> impl Strategy<Value = Assertion> {
    let subject =
        (of(name_id()), vec(confirmation(), 0..3)).prop_map(|(name_id, confirmations)| Subject {
            name_id,
            confirmations,
        });
    let parts = (
        (message_id(), instant(), entity_id()),
        of(subject),
        of(conditions()),
        vec(statement(), 0..3),
        vec(attribute(), 0..4),
    );
    parts.prop_map(
        |((id, issue_instant, issuer), subject, conditions, authn_statements, attributes)| {
            Assertion {
                id,
                issue_instant,
                issuer,
                subject,
                conditions,
                authn_statements,
                attributes,
            }
        },
    )
}

pub(crate) fn status() -> impl Strategy<Value = Status> {
    let code = || {
        prop_oneof![
            Just(StatusCode::Success),
            Just(StatusCode::PartialLogout),
            text().prop_map(|uri| StatusCode::from_uri(&uri)),
        ]
    };
    (code(), of(code()), of(text())).prop_map(|(code, subcode, message)| Status {
        code,
        subcode,
        message,
    })
}

pub(crate) type Head = (
    MessageId,
    DateTime<Utc>,
    Option<String>,
    Option<EntityId>,
    Extensions,
);

pub(crate) fn head() -> impl Strategy<Value = Head> {
    (
        message_id(),
        instant(),
        of(text()),
        of(entity_id()),
        vec(extension(), 0..3).prop_map(Extensions::from_iter),
    )
}

/// With prefixes and namespaces that the message uses too, and others.
pub(crate) fn extension() -> impl Strategy<Value = Extension> {
    let prefix = || prop::sample::select(vec!["", "samlp", "outer", "saml", "xs", "aslo", "x"]);
    let namespace = || {
        let known = vec![
            federate_xml::SAMLP,
            federate_xml::SAML,
            federate_xml::XS,
            "urn:x",
        ];
        prop::sample::select(known)
    };
    let parts = ((prefix(), namespace()), (prefix(), namespace()), text());
    parts.prop_map(|(outer, inner, text)| {
        let tag = |prefix: &str, local: &str| match prefix {
            "" => local.to_owned(),
            prefix => format!("{prefix}:{local}"),
        };
        let declared = |(prefix, namespace): (&str, &str)| {
            let tag = tag("xmlns", prefix).trim_end_matches(':').to_owned();
            format!("{tag}=\"{namespace}\"")
        };
        let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        let (a, b) = (tag(outer.0, "Outer"), tag(inner.0, "Inner"));
        let xml = format!(
            "<{a} {} xmlns:xsi=\"{}\"><!-- --><{b} {} xsi:type=\"xs:string\"/>{text}<{b} {}/></{a} >",
            declared(outer),
            federate_xml::XSI,
            declared(inner),
            declared(inner),
        );
        Extension::parse(xml.as_bytes()).unwrap()
    })
}

pub(crate) fn response() -> impl Strategy<Value = Response> {
    (head(), of(message_id()), status(), vec(assertion(), 0..3)).prop_map(
        |(
            (id, issue_instant, destination, issuer, extensions),
            in_response_to,
            status,
            assertions,
        )| Response {
            id,
            issue_instant,
            destination,
            in_response_to,
            issuer,
            extensions,
            status,
            assertions,
        },
    )
}

pub(crate) fn authn_request() -> impl Strategy<Value = AuthnRequest> {
    let policy = (of(format()), of(entity_id()), any::<bool>()).prop_map(
        |(format, sp_name_qualifier, allow_create)| NameIdPolicy {
            format,
            sp_name_qualifier,
            allow_create,
        },
    );
    let comparison = prop::sample::select(vec![
        Comparison::Exact,
        Comparison::Minimum,
        Comparison::Maximum,
        Comparison::Better,
    ]);
    let context =
        (comparison, vec(uri(), 0..3)).prop_map(|(comparison, class_refs)| RequestedAuthnContext {
            comparison,
            decl_refs: class_refs.clone(),
            class_refs,
        });
    let bindings = vec![Binding::HttpPost, Binding::HttpRedirect, Binding::Paos];
    let parts = (
        head(),
        any::<[bool; 2]>(),
        (of(text()), of(any::<u16>())),
        of(prop::sample::select(bindings)),
        of(policy),
        of(context),
        of(text()),
        (of(any::<u16>()), of(name_id()), of(scoping())),
    );
    parts.prop_map(
        |(head, flags, acs, protocol_binding, policy, context, provider_name, rest)| AuthnRequest {
            id: head.0,
            issue_instant: head.1,
            destination: head.2,
            issuer: head.3,
            extensions: head.4,
            force_authn: flags[0],
            is_passive: flags[1],
            assertion_consumer_service_url: acs.0,
            assertion_consumer_service_index: acs.1,
            protocol_binding,
            name_id_policy: policy,
            requested_authn_context: context,
            provider_name,
            attribute_consuming_service_index: rest.0,
            subject: rest.1,
            scoping: rest.2,
        },
    )
}

fn scoping() -> impl Strategy<Value = Scoping> {
    let ids = || vec(entity_id(), 0..3);
    (of(any::<u32>()), ids(), ids()).prop_map(|(proxy_count, identity_providers, requesters)| {
        Scoping {
            proxy_count,
            identity_providers,
            requesters,
        }
    })
}

pub(crate) fn logout_request() -> impl Strategy<Value = LogoutRequest> {
    (
        head(),
        of(instant()),
        of(text()),
        name_id(),
        vec(session_index(), 0..3),
    )
        .prop_map(
            |(head, not_on_or_after, reason, name_id, session_indexes)| LogoutRequest {
                id: head.0,
                issue_instant: head.1,
                destination: head.2,
                issuer: head.3,
                extensions: head.4,
                not_on_or_after,
                reason,
                name_id,
                session_indexes,
            },
        )
}

pub(crate) fn logout_response() -> impl Strategy<Value = LogoutResponse> {
    (head(), of(message_id()), status()).prop_map(|(head, in_response_to, status)| LogoutResponse {
        id: head.0,
        issue_instant: head.1,
        destination: head.2,
        issuer: head.3,
        extensions: head.4,
        in_response_to,
        status,
    })
}

pub(crate) fn artifact() -> impl Strategy<Value = Artifact> {
    (entity_id(), any::<u16>(), any::<[u8; 20]>()).prop_map(|(issuer, index, handle)| {
        Artifact::new(SourceId::of(&issuer, &provider()), index, handle)
    })
}

pub(crate) fn artifact_resolve() -> impl Strategy<Value = ArtifactResolve> {
    (head(), artifact()).prop_map(|(head, artifact)| ArtifactResolve {
        id: head.0,
        issue_instant: head.1,
        destination: head.2,
        issuer: head.3,
        extensions: head.4,
        artifact,
    })
}

/// Without a message inside: one that is read declares more namespaces than one that is written.
pub(crate) fn artifact_response() -> impl Strategy<Value = ArtifactResponse> {
    logout_response().prop_map(|response| ArtifactResponse {
        id: response.id,
        issue_instant: response.issue_instant,
        destination: response.destination,
        in_response_to: response.in_response_to,
        issuer: response.issuer,
        extensions: response.extensions,
        status: response.status,
        message: None,
    })
}

pub(crate) fn relay_state() -> impl Strategy<Value = RelayState> {
    printable().prop_map(|text| {
        let mut text = text;
        while text.len() > RelayState::MAX_RECEIVED_BYTES {
            text.pop();
        }
        RelayState::received(text).unwrap()
    })
}
