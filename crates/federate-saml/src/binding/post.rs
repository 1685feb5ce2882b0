//! HTTP-POST (`[SAMLBind] 3.5`): the message travels in a form that the browser submits.

use super::parameters::Parameters;
use super::redirect::{base64, one_message};
use crate::error::BindingError;
use crate::message::MessageKind;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use federate_types::RelayState;
use federate_xml::Limits;
use flate2::read::DeflateDecoder;
use std::io::Read as _;

/// A form that takes a message to its destination.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PostForm {
    /// Where the form is sent.
    pub action: String,
    /// `SAMLRequest` or `SAMLResponse`.
    pub parameter: &'static str,
    /// The message in base64.
    pub value: String,
    /// The state that travels beside it.
    pub relay_state: Option<RelayState>,
}

impl PostForm {
    /// A form for a message that was written (and signed) before.
    #[must_use]
    pub fn new(
        action: impl Into<String>,
        kind: MessageKind,
        xml: &[u8],
        relay_state: Option<RelayState>,
    ) -> Self {
        Self {
            action: action.into(),
            parameter: kind.parameter(),
            value: STANDARD.encode(xml),
            relay_state,
        }
    }

    /// A page that submits the form by itself, or by a button where scripts are off.
    ///
    /// The page must be sent with a Content-Security-Policy that allows the script of this
    /// nonce and, in `form-action`, the form's destination.
    #[must_use]
    pub fn to_html(&self, nonce: &str) -> String {
        auto_submit(&self.action, &self.fields(), nonce)
    }

    /// The form's fields, in the order in which they are sent.
    #[must_use]
    pub fn fields(&self) -> Vec<(&str, &str)> {
        let mut fields = vec![(self.parameter, self.value.as_str())];
        let relay_state = self.relay_state.as_ref();
        fields.extend(relay_state.map(|state| ("RelayState", state.as_str())));
        fields
    }
}

/// A page with a form that submits itself.
pub(super) fn auto_submit(action: &str, fields: &[(&str, &str)], nonce: &str) -> String {
    let inputs: String = fields
        .iter()
        .map(|(name, value)| {
            let value = escape(value);
            format!("<input type=\"hidden\" name=\"{name}\" value=\"{value}\">")
        })
        .collect();
    format!(
        "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Continue</title></head>\
         <body><form method=\"post\" action=\"{action}\" id=\"form\">{inputs}\
         <noscript><p>Your browser does not run scripts.</p><button>Continue</button></noscript></form>\
         <script nonce=\"{nonce}\">document.getElementById('form').submit()</script></body></html>",
        action = escape(action),
        nonce = escape(nonce),
    )
}

/// Escapes text for HTML, inside elements and quoted attributes.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

/// A message as it came in a form.
#[derive(Debug)]
pub struct PostMessage {
    xml: Vec<u8>,
    relay_state: Option<RelayState>,
}

impl PostMessage {
    /// Takes the message from the body of a form, `application/x-www-form-urlencoded`.
    ///
    /// # Errors
    /// [`BindingError`]: exactly one message, each parameter at most once, base64 (white
    /// space allowed), within the limits, and not deflated.
    pub fn parse(body: &str, kind: MessageKind, limits: &Limits) -> Result<Self, BindingError> {
        let parameters = Parameters::split(body)?;
        let raw = one_message(&parameters, kind)?;
        let allowed = limits.bytes;
        if raw.len() / 4 > allowed {
            return Err(BindingError::TooLarge { allowed });
        }
        let xml = base64(&super::parameters::decode(raw, kind.parameter())?)?;
        if xml.len() > allowed {
            return Err(BindingError::TooLarge { allowed });
        }
        if is_deflated_xml(&xml) {
            return Err(BindingError::Deflated);
        }
        let relay_state = parameters.value("RelayState")?;
        Ok(Self {
            xml,
            relay_state: relay_state.map(RelayState::received).transpose()?,
        })
    }

    /// The octets of the message.
    #[must_use]
    pub fn xml(&self) -> &[u8] {
        &self.xml
    }

    /// The state that came beside it. No signature covers it.
    #[must_use]
    pub const fn relay_state(&self) -> Option<&RelayState> {
        self.relay_state.as_ref()
    }
}

/// `[SAMLBind] 3.5.4`: not deflated. Only the beginning is inflated, for a better error than the
/// parser's.
fn is_deflated_xml(octets: &[u8]) -> bool {
    let mut beginning = [0; 64];
    let begins = |octets: &[u8]| {
        let octets = octets.trim_ascii_start();
        let octets = octets.strip_prefix(b"\xef\xbb\xbf").unwrap_or(octets);
        octets.starts_with(b"<")
    };
    let mut read = || {
        DeflateDecoder::new(octets)
            .read(&mut beginning)
            .unwrap_or(0)
    };
    !begins(octets) && read() > 0 && begins(&beginning)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a200_values_cannot_break_out_of_the_form() {
        let hostile = "\"><script>alert(1)</script>";
        let form = PostForm {
            action: format!("https://sp.example/{hostile}"),
            parameter: "SAMLResponse",
            value: hostile.to_owned(),
            relay_state: Some(RelayState::new(hostile).unwrap()),
        };
        let html = form.to_html(hostile);
        assert_eq!(html.matches("<script").count(), 1);
        assert!(!html.contains(hostile));
    }
}
