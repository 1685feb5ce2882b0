use axum::http::StatusCode;
use axum::http::header::{
    CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, HeaderValue, REFERRER_POLICY,
};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use maud::{DOCTYPE, Markup, PreEscaped, html};

/// The one stylesheet, part of every page.
const STYLE: &str = include_str!("style.css");

/// Its SHA-256, by which the Content-Security-Policy allows it and no other.
const STYLE_HASH: &str = "sha256-xsz/Mx1AUKk10xhuoyCP2kGtoCzyg00pyM4/zpUm3LY=";

/// A circle in a ring: nothing is asked of the server for it.
const ICON: &str = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Ccircle cx='8' cy='8' r='6.5' fill='none' stroke='%231d55c4' stroke-width='2'/%3E%3Ccircle cx='8' cy='8' r='3' fill='%231d55c4'/%3E%3C/svg%3E";

/// A page without scripts, in the one style, that may load nothing and send its forms only to
/// where it is told.
///
/// ```
/// use federate_axum::Page;
/// use maud::html;
///
/// let page = Page::new("Reports", html! { h1 { "Reports & more" } }).with_header("The App");
/// assert!(page.to_html().contains("<h1>Reports &amp; more</h1>"));
/// ```
#[derive(Debug)]
#[must_use]
pub struct Page {
    title: String,
    header: Option<String>,
    narrow: bool,
    body: Markup,
    status: StatusCode,
    refresh: Option<(u8, String)>,
    form_action: Vec<String>,
    frames: bool,
}

impl Page {
    /// A page of this title and content; the content begins with an `h1`.
    pub fn new(title: impl Into<String>, body: Markup) -> Self {
        Self {
            title: title.into(),
            header: None,
            narrow: false,
            body,
            status: StatusCode::OK,
            refresh: None,
            form_action: Vec::new(),
            frames: false,
        }
    }

    /// Whose page it is: a line at the top that leads to `/`.
    pub fn with_header(mut self, header: impl Into<String>) -> Self {
        self.header = Some(header.into());
        self
    }

    /// As narrow as a short form.
    pub const fn narrow(mut self) -> Self {
        self.narrow = true;
        self
    }

    /// Another status than 200.
    pub const fn with_status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    /// Goes on to this address by itself.
    pub fn going_on_after(mut self, seconds: u8, to: impl Into<String>) -> Self {
        self.refresh = Some((seconds, to.into()));
        self
    }

    /// Has forms for this place: `'self'` or an origin. Chromium applies the rule also to where
    /// the answer redirects.
    pub fn with_forms_to(mut self, source: impl Into<String>) -> Self {
        self.form_action.push(source.into());
        self
    }

    /// Has frames: of our own, which go on to other places.
    pub(crate) fn with_frames(mut self) -> Self {
        self.frames = true;
        self
    }

    /// The document.
    #[must_use]
    pub fn to_html(&self) -> String {
        html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    @if let Some((seconds, to)) = &self.refresh {
                        meta http-equiv="refresh" content=(format!("{seconds};url={to}"));
                    }
                    title {
                        (self.title)
                        @if let Some(header) = &self.header { " - " (header) }
                    }
                    link rel="icon" href=(ICON);
                    style { (PreEscaped(STYLE)) }
                }
                body.narrow[self.narrow] {
                    @if let Some(header) = &self.header {
                        header { a href="/" { (header) } }
                    } @else {
                        header {}
                    }
                    main { (self.body) }
                }
            }
        }
        .into_string()
    }

    fn policy(&self) -> String {
        let forms = match self.form_action.as_slice() {
            [] => "'none'".to_owned(),
            sources => sources.join(" "),
        };
        let frames = if self.frames {
            "frame-src 'self' https: http:; "
        } else {
            ""
        };
        format!(
            "default-src 'none'; style-src '{STYLE_HASH}'; img-src data:; form-action {forms}; \
             {frames}base-uri 'none'; frame-ancestors 'none'"
        )
    }
}

impl IntoResponse for Page {
    fn into_response(self) -> Response {
        let mut response = (self.status, self.to_html()).into_response();
        let mut set = |name: HeaderName, value: &str| {
            if let Ok(value) = HeaderValue::from_str(value) {
                response.headers_mut().insert(name, value);
            }
        };
        set(CONTENT_TYPE, "text/html; charset=utf-8");
        set(CONTENT_SECURITY_POLICY, &self.policy());
        if !self.form_action.is_empty() {
            // Under no-referrer, browsers send `Origin: null` with a form even to ourselves
            // ([Fetch] 3.2.5). This one tells other origins just as little.
            set(REFERRER_POLICY, "same-origin");
        }
        response
    }
}

/// An instant for people, to the minute, in UTC.
#[must_use]
pub fn instant(at: DateTime<Utc>) -> Markup {
    html! {
        time datetime=(at.format("%Y-%m-%dT%H:%M:%SZ")) { (at.format("%e %B %Y, %H:%M")) " UTC" }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use federate::crypto::{DigestAlgorithm, aws_lc_provider};

    #[test]
    fn the_policy_knows_the_style() {
        let provider = aws_lc_provider();
        let digest = provider
            .digester
            .digest(DigestAlgorithm::Sha256, STYLE.as_bytes());
        let hash = format!("sha256-{}", base64(digest.as_bytes()));
        assert_eq!(STYLE_HASH, hash);
        assert!(!STYLE.contains('<'));
    }

    fn base64(octets: &[u8]) -> String {
        let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let mut text = String::new();
        for chunk in octets.chunks(3) {
            let at = |i: usize| u32::from(chunk.get(i).copied().unwrap_or(0));
            let bits = at(0) << 16 | at(1) << 8 | at(2);
            for i in 0..4 {
                match i <= chunk.len() {
                    true => text.push(char::from(alphabet[(bits >> (18 - 6 * i) & 63) as usize])),
                    false => text.push('='),
                }
            }
        }
        text
    }

    #[test]
    fn a210_titles_and_addresses_are_escaped() {
        let hostile = "\"><script>alert(1)</script>";
        let html = Page::new(hostile, html! { h1 { (hostile) } })
            .with_header(hostile)
            .going_on_after(1, hostile)
            .to_html();
        assert!(!html.contains("<script"));
    }
}
