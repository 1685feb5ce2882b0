use super::{CONTENT_TYPE, ECP_RELAY_STATE, ECP_REQUEST, PAOS, PAOS_REQUEST, SERVICE};
use crate::authn_request::write_idp_list;
use crate::binding::soap;
use crate::message::write_issuer;
use federate_types::{EntityId, MessageId, RelayState};
use federate_xml::{Name, Writer};

/// Whether a client says that it is an enhanced one: by the values of its `Accept` and `PAOS`
/// headers (`[SAMLProf] 4.2.3.1`, `[SAMLBind] 3.3.3`). Several headers of one name are joined by
/// commas before.
///
/// ```
/// use federate_saml::ecp::accepts_paos;
/// let paos = "ver=\"urn:liberty:paos:2003-08\"; \"urn:oasis:names:tc:SAML:2.0:profiles:SSO:ecp\"";
/// assert!(accepts_paos("text/html; application/xml, application/vnd.paos+xml", paos));
/// assert!(!accepts_paos("text/html", paos));
/// ```
#[must_use]
pub fn accepts_paos(accept: &str, paos: &str) -> bool {
    let is_paos = |range: &str| {
        let mut parts = range.split(';').map(str::trim);
        let named = parts
            .next()
            .is_some_and(|t| t.eq_ignore_ascii_case(CONTENT_TYPE));
        // A quality of zero means "not this one".
        named && !parts.any(|p| matches!(p, "q=0" | "q=0.0" | "q=0.00" | "q=0.000"))
    };
    accept.split(',').any(is_paos) && asks_for_service(paos)
}

/// `ver="version", ..; "service", "option", ..; "service", ..`
fn asks_for_service(paos: &str) -> bool {
    let mut parts = paos.split(';').map(str::trim);
    let versions = parts.next().and_then(|first| first.strip_prefix("ver"));
    let versions = versions.and_then(|rest| rest.trim_start().strip_prefix('='));
    let version = versions.is_some_and(|list| list.split(',').any(|v| unquoted(v) == PAOS));
    let first = |part: &str| {
        part.split(',')
            .next()
            .is_some_and(|s| unquoted(s) == SERVICE)
    };
    version && parts.any(first)
}

fn unquoted(text: &str) -> &str {
    let text = text.trim();
    let inside = |quote| text.strip_prefix(quote)?.strip_suffix(quote);
    inside('"').or_else(|| inside('\'')).unwrap_or(text)
}

/// What the service provider tells an enhanced client beside its AuthnRequest.
#[derive(Debug, Clone)]
pub struct RequestHeaders<'a> {
    /// Where the client takes the answer: the assertion consumer service of the AuthnRequest, in
    /// full.
    pub response_consumer_url: &'a str,
    /// What the client's answer must refer to, if anything ([`PaosResponse::answers`]).
    ///
    /// [`PaosResponse::answers`]: super::PaosResponse::answers
    pub message_id: Option<&'a MessageId>,
    /// Who asks: the issuer of the AuthnRequest.
    pub issuer: &'a EntityId,
    /// A name of the service provider for people to read.
    pub provider_name: Option<&'a str>,
    /// Whether neither client nor identity provider may show anything to the person.
    pub is_passive: bool,
    /// The identity providers of which the client may choose one; any if there is none.
    pub identity_providers: &'a [EntityId],
    /// What the client returns with the answer.
    pub relay_state: Option<&'a RelayState>,
}

/// The service provider's answer to an enhanced client: an AuthnRequest that was written (and
/// signed) before, in an envelope with header blocks for the client (`[SAMLProf] 4.2.3.2`).
///
/// It is sent with [`CONTENT_TYPE`].
#[must_use]
pub fn request_envelope(headers: &RequestHeaders<'_>, authn_request: &[u8]) -> Vec<u8> {
    soap::envelope_with(authn_request, |w| headers.write(w))
}

impl RequestHeaders<'_> {
    fn write(&self, w: &mut Writer) {
        // [SAMLProf] 4.2.4.1.
        w.start(PAOS_REQUEST);
        soap::for_next(w);
        let url = self.response_consumer_url;
        w.attribute(Name::local("responseConsumerURL"), url);
        w.attribute(Name::local("service"), SERVICE);
        let message_id = self.message_id.map(MessageId::as_str);
        w.optional_attribute(Name::local("messageID"), message_id);
        w.end();
        // [SAMLProf] 4.2.4.2: without IsPassive the client takes it for true.
        w.start(ECP_REQUEST);
        soap::for_next(w);
        let is_passive = if self.is_passive { "true" } else { "false" };
        w.attribute(Name::local("IsPassive"), is_passive);
        w.optional_attribute(Name::local("ProviderName"), self.provider_name);
        write_issuer(w, self.issuer);
        write_idp_list(w, self.identity_providers);
        w.end();
        // [SAMLProf] 4.2.4.3.
        if let Some(state) = self.relay_state {
            w.start(ECP_RELAY_STATE);
            soap::for_next(w);
            w.text(state.as_str());
            w.end();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_say_what_they_are() {
        let accept = "text/html, application/vnd.paos+xml";
        let (version, service) = (format!("ver=\"{PAOS}\""), format!("\"{SERVICE}\""));
        for accept in [
            accept,
            "application/vnd.paos+xml",
            "Application/Vnd.PAOS+xml;q=0.9 , */*",
        ] {
            assert!(accepts_paos(accept, &format!("{version};{service}")));
        }
        for paos in [
            format!("{version} ; {service}"),
            format!("ver='{PAOS}';'{SERVICE}'"),
            format!(
                "ver = \"urn:liberty:paos:2006-08\",\"{PAOS}\";ext=\"urn:x\";{service},\"urn:o\""
            ),
            format!("{version};\"urn:other\";{service}"),
        ] {
            assert!(accepts_paos(accept, &paos), "{paos}");
        }
        for accept in [
            "",
            "*/*",
            "application/*",
            "application/vnd.paos+xml;q=0",
            "text/html",
        ] {
            assert!(
                !accepts_paos(accept, &format!("{version};{service}")),
                "{accept}"
            );
        }
        for paos in [
            String::new(),
            version.clone(),
            service.clone(),
            format!("{service};{version}"),
            format!("ver=\"urn:liberty:paos:2006-08\";{service}"),
            format!("{version};\"urn:other\",{service}"),
            format!("{version};\"{SERVICE}:other\""),
            format!("{version};ext={service}"),
        ] {
            assert!(!accepts_paos(accept, &paos), "{paos}");
        }
    }
}
