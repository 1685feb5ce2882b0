//! What a browser does, as far as these flows need it.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, COOKIE, HOST, HeaderMap, LOCATION,
    ORIGIN, REFERRER_POLICY, SET_COOKIE, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{Method, Request, StatusCode};
use std::collections::BTreeMap;
use tower::ServiceExt as _;
use url::Url;

/// A page as it came.
#[derive(Debug, Clone)]
pub(crate) struct Page {
    pub(crate) url: Url,
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

/// A form of a page.
#[derive(Debug, Clone)]
pub(crate) struct Form {
    pub(crate) action: Url,
    pub(crate) fields: Vec<(String, String)>,
}

/// Cookies, and the web as far as it reaches.
#[derive(Clone)]
pub(crate) struct Browser {
    pub(crate) web: BTreeMap<String, Router>,
    pub(crate) cookies: BTreeMap<(String, String), String>,
    /// What it says of the navigation that it is on (Fetch Metadata).
    said: &'static [(&'static str, &'static str)],
}

impl Browser {
    pub(crate) fn new(web: BTreeMap<String, Router>) -> Self {
        Self {
            web,
            cookies: BTreeMap::new(),
            said: &[],
        }
    }

    /// Goes to an address with these headers, which say how it came there.
    pub(crate) async fn go_as(
        &mut self,
        said: &'static [(&'static str, &'static str)],
        address: &str,
    ) -> Page {
        self.said = said;
        let page = self.go(address).await;
        self.said = &[];
        page
    }

    /// Goes to an address as if it was typed.
    pub(crate) async fn go(&mut self, address: &str) -> Page {
        let url = Url::parse(address).unwrap();
        self.follow(Method::GET, url, None, None).await
    }

    /// Follows a link, or a refresh, of a page.
    pub(crate) async fn follow_link(&mut self, from: &Page, to: &str) -> Page {
        let url = from.url.join(to).unwrap();
        self.follow(Method::GET, url, None, Some(from)).await
    }

    /// Sends a form of a page.
    pub(crate) async fn submit(&mut self, from: &Page, form: &Form) -> Page {
        let body = encode(&form.fields);
        let action = form.action.clone();
        self.follow(Method::POST, action, Some(body), Some(from))
            .await
    }

    /// Navigates: redirects, and pages that go on at once, until a page stays.
    async fn follow(
        &mut self,
        method: Method,
        url: Url,
        body: Option<String>,
        from: Option<&Page>,
    ) -> Page {
        let (mut method, mut url, mut body) = (method, url, body);
        // Pages whose forms led here, by which the policy is judged; and who navigates.
        let mut source = from.cloned();
        for _ in 0..20 {
            let by_form = method == Method::POST || body.is_some();
            if let Some(page) = source.as_ref().filter(|_| by_form) {
                page.assert_allows_form_to(&url);
            }
            let page = self.send(&method, &url, body.take(), source.as_ref()).await;
            if let Some(to) = page.headers.get(LOCATION) {
                assert_eq!(page.status, StatusCode::SEE_OTHER);
                let to = page.url.join(to.to_str().unwrap()).unwrap();
                if let Some(page) = source.as_ref().filter(|_| by_form) {
                    page.assert_allows_form_to(&to);
                }
                (method, url) = (Method::GET, to);
            } else if page.body.contains("<script") {
                let form = page.form(0);
                (method, url) = (Method::POST, form.action.clone());
                body = Some(encode(&form.fields));
                source = Some(page);
            } else if let Some((0, to)) = page.refresh() {
                (method, url) = (Method::GET, page.url.join(&to).unwrap());
                source = Some(page);
            } else {
                return page;
            }
        }
        panic!("more than 20 redirects");
    }

    /// One request and its answer.
    pub(crate) async fn send(
        &mut self,
        method: &Method,
        url: &Url,
        body: Option<String>,
        from: Option<&Page>,
    ) -> Page {
        let host = url.host_str().unwrap().to_owned();
        let path = &url[url::Position::BeforePath..url::Position::AfterQuery];
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(HOST, &host);
        for (name, value) in self.said {
            request = request.header(*name, *value);
        }
        let cross_site = from.is_some_and(|from| from.url.host_str() != Some(&host));
        // Lax: no cookies with a POST from another site.
        if !(cross_site && method == Method::POST) {
            let cookies: Vec<String> = self
                .cookies
                .iter()
                .filter(|((of, _), _)| *of == host)
                .map(|((_, name), value)| format!("{name}={value}"))
                .collect();
            request = request.header(COOKIE, cookies.join("; "));
        }
        if let Some(from) = from.filter(|_| method == Method::POST) {
            request = request.header(ORIGIN, from.origin_sent_to(url));
        }
        if method == Method::POST {
            request = request.header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        }
        let request = request.body(Body::from(body.unwrap_or_default())).unwrap();
        self.answer(url, request).await
    }

    /// Hands a request to the host of this address, and keeps the cookies that come back.
    pub(crate) async fn answer(&mut self, url: &Url, request: Request<Body>) -> Page {
        let host = url.host_str().unwrap().to_owned();
        let router = self.web[&host].clone();
        let response = router.oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        for cookie in parts.headers.get_all(SET_COOKIE) {
            self.keep(&host, cookie.to_str().unwrap());
        }
        let octets = to_bytes(body, usize::MAX).await.unwrap();
        let page = Page {
            url: url.clone(),
            status: parts.status,
            headers: parts.headers,
            body: String::from_utf8_lossy(&octets).into_owned(),
        };
        page.assert_safe_headers();
        page
    }

    fn keep(&mut self, host: &str, cookie: &str) {
        for part in ["; Path=/", "; HttpOnly", "; SameSite=Lax", "; Secure"] {
            assert!(cookie.contains(part), "{cookie}");
        }
        let (name, rest) = cookie.split_once('=').unwrap();
        assert!(name.starts_with("__Host-"), "{cookie}");
        let value = rest.split(';').next().unwrap();
        let key = (host.to_owned(), name.to_owned());
        if cookie.contains("; Max-Age=0") {
            self.cookies.remove(&key);
        } else {
            self.cookies.insert(key, value.to_owned());
        }
    }

    pub(crate) fn cookie(&self, host: &str, name: &str) -> Option<&str> {
        let key = (host.to_owned(), name.to_owned());
        self.cookies.get(&key).map(String::as_str)
    }
}

impl Page {
    pub(crate) fn header(&self, name: axum::http::HeaderName) -> &str {
        self.headers[name].to_str().unwrap()
    }

    fn assert_safe_headers(&self) {
        assert_eq!(self.header(CACHE_CONTROL), "no-store");
        assert_eq!(self.header(X_CONTENT_TYPE_OPTIONS), "nosniff");
        let policy = self.header(CONTENT_SECURITY_POLICY);
        // Of a logout, frames have pages of their own, in which there is nothing to press.
        let frameable = policy.contains("frame-ancestors *") && self.is_for_frames();
        let by = if frameable { "*" } else { "'none'" };
        for directive in [
            "default-src 'none'",
            "base-uri 'none'",
            &format!("frame-ancestors {by}"),
        ] {
            assert!(policy.contains(directive), "{policy}");
        }
        assert!(matches!(
            self.header(REFERRER_POLICY),
            "no-referrer" | "same-origin"
        ));
    }

    /// Whether it may be in a frame: a form that goes on by itself, or nothing to press.
    fn is_for_frames(&self) -> bool {
        let pressed = self.body.matches("<button").count() + self.body.matches("<a ").count();
        self.url.path().starts_with("/logout/") && (self.body.contains("<script") || pressed == 0)
    }

    /// [Fetch] 3.2.5: the policy decides what origin a form tells.
    fn origin_sent_to(&self, url: &Url) -> String {
        let own = self.url.origin() == url.origin();
        match own && self.header(REFERRER_POLICY) == "same-origin" {
            true => self.url.origin().ascii_serialization(),
            false => "null".to_owned(),
        }
    }

    /// What Chromium does with a form, and with every redirect that follows it.
    fn assert_allows_form_to(&self, url: &Url) {
        let policy = self.header(CONTENT_SECURITY_POLICY);
        let sources = policy
            .split(';')
            .find_map(|d| d.trim().strip_prefix("form-action "));
        let allowed = sources.unwrap().split(' ').any(|source| match source {
            "'self'" => self.url.origin() == url.origin(),
            "https:" => url.scheme() == "https",
            origin => url.origin().ascii_serialization() == origin,
        });
        assert!(allowed, "{policy} forbids {url}");
    }

    /// When the page goes on by itself, and where.
    pub(crate) fn refresh(&self) -> Option<(u8, String)> {
        let (_, rest) = self.body.split_once("http-equiv=\"refresh\" content=\"")?;
        let (content, _) = rest.split_once('"')?;
        let content = unescape(content);
        let (seconds, to) = content.split_once(";url=")?;
        Some((seconds.parse().unwrap(), to.to_owned()))
    }

    /// A form of the page with its fields, empty where the person types.
    pub(crate) fn form(&self, index: usize) -> Form {
        let form = self.body.split("<form").nth(index + 1).expect("a form");
        let form = form.split("</form>").next().unwrap();
        let attribute = |tag: &str, name: &str| {
            let (_, rest) = tag.split_once(&format!(" {name}=\""))?;
            Some(unescape(rest.split('"').next()?))
        };
        let action = attribute(form.split('>').next().unwrap(), "action").unwrap();
        let inputs = form
            .split("<input")
            .skip(1)
            .map(|tag| tag.split('>').next().unwrap());
        let fields = inputs.map(|tag| {
            let value = attribute(tag, "value").unwrap_or_default();
            (attribute(tag, "name").unwrap(), value)
        });
        Form {
            action: self.url.join(&action).unwrap(),
            fields: fields.collect(),
        }
    }

    /// The text between two others.
    pub(crate) fn between(&self, before: &str, after: &str) -> &str {
        let (_, rest) = self.body.split_once(before).expect(before);
        rest.split_once(after).expect(after).0
    }

    /// Whether the page says this; markup counts as a blank.
    pub(crate) fn says(&self, text: &str) -> bool {
        let mut plain = String::new();
        let mut in_tag = false;
        let (_, body) = self.body.split_once("<body").unwrap_or(("", &self.body));
        for c in body.chars() {
            match c {
                '<' => in_tag = true,
                '>' => {
                    in_tag = false;
                    plain.push(' ');
                }
                c if !in_tag => plain.push(c),
                _ => {}
            }
        }
        let words: Vec<&str> = plain.split_whitespace().collect();
        unescape(&words.join(" ")).contains(text)
    }
}

impl Form {
    /// The same form with a field filled in.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        let field = self.fields.iter_mut().find(|(found, _)| found == name);
        value.clone_into(&mut field.expect(name).1);
        self
    }
}

pub(crate) fn encode(fields: &[(String, String)]) -> String {
    url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(fields)
        .finish()
}

fn unescape(text: &str) -> String {
    text.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&#39;", "'")
        .replace("&amp;", "&")
}
