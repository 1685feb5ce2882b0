//! A browser without scripts: it keeps cookies, follows redirects and pages that go on by
//! themselves, and submits the forms by which SAML messages travel. Hosts under `.test` and
//! `.localhost` are on this machine; it stops before any other.

use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::time::{Duration, Instant};

/// How long a page may say that it is not ready yet.
const PATIENCE: Duration = Duration::from_secs(60);

/// The browser's own page where there is no server.
pub(crate) const NOBODY: &str = "nobody answers";

/// A browser with the cookies of every host.
#[derive(Default)]
pub(crate) struct Browser {
    cookies: BTreeMap<String, BTreeMap<String, String>>,
    /// The pages that were shown, the last one at the end.
    pub(crate) shown: Vec<Page>,
}

/// Where the browser came.
#[derive(Debug)]
pub(crate) enum Arrival {
    /// At a page of the peer.
    Page(Page),
    /// Before one of our parties, with a message for it.
    Ours(Value),
}

/// A page.
#[derive(Debug, Clone)]
pub(crate) struct Page {
    pub(crate) address: String,
    pub(crate) text: String,
}

/// What a server answers.
pub(crate) struct Answer {
    head: String,
    pub(crate) text: String,
}

impl Arrival {
    #[track_caller]
    pub(crate) fn page(self) -> Page {
        match self {
            Self::Page(page) => page,
            Self::Ours(message) => panic!("a message for us: {message}"),
        }
    }

    #[track_caller]
    pub(crate) fn message(self) -> Value {
        match self {
            Self::Ours(message) => message,
            Self::Page(page) => panic!("{}: {}", page.address, page.text),
        }
    }
}

impl Browser {
    /// Opens an address.
    pub(crate) fn open(&mut self, address: &str) -> Arrival {
        self.carry(&json!({ "location": address }))
    }

    /// Carries a message, `{"location"}` or `{"action", "fields"}`, and whatever comes of it.
    pub(crate) fn carry(&mut self, message: &Value) -> Arrival {
        let mut message = message.clone();
        let (mut redirects, begun) = (0, Instant::now());
        // Browsers stop after 20 redirects without a page between them.
        while redirects < 20 {
            let to = message.get("location").or(message.get("action")).unwrap();
            let address = to.as_str().unwrap().to_owned();
            let Some((host, port, path)) = peer_of(&address) else {
                return Arrival::Ours(message);
            };
            let Ok(answer) = self.ask(host, port, path, message["fields"].as_object()) else {
                let text = NOBODY.to_owned();
                return Arrival::Page(Page { address, text });
            };
            if let Some(to) = header(&answer.head, "location").next() {
                message = json!({ "location": absolute(&address, to) });
                redirects += 1;
                continue;
            }
            let text = answer.text;
            let page = Page { address, text };
            message = match (page.form(), page.goes_on_to()) {
                (Some(form), _) if is_saml(&form) => form,
                (_, Some(to)) if begun.elapsed() < PATIENCE => {
                    if to == page.address {
                        std::thread::sleep(Duration::from_millis(20));
                    }
                    redirects = 0;
                    json!({ "location": to })
                }
                _ => {
                    self.shown.push(page.clone());
                    return Arrival::Page(page);
                }
            };
            if redirects == 0 {
                self.shown.push(page);
            }
        }
        panic!("too many redirects: {message}");
    }

    /// The value of a cookie.
    pub(crate) fn cookie(&self, host: &str, name: &str) -> Option<&str> {
        self.cookies.get(host)?.get(name).map(String::as_str)
    }

    fn ask(
        &mut self,
        host: &str,
        port: u16,
        path: &str,
        fields: Option<&Map<String, Value>>,
    ) -> io::Result<Answer> {
        let jar = self.cookies.entry(host.to_owned()).or_default();
        let cookies: Vec<_> = jar
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let mut head = String::new();
        if !cookies.is_empty() {
            head += &format!("Cookie: {}\r\n", cookies.join("; "));
        }
        let body = fields.map(|fields| {
            let pair = |(name, value): (&String, &Value)| {
                format!("{}={}", escape(name), escape(value.as_str().unwrap()))
            };
            head += "Content-Type: application/x-www-form-urlencoded\r\n";
            fields.iter().map(pair).collect::<Vec<_>>().join("&")
        });
        let answer = exchange(host, port, path, &head, body.as_deref())?;
        for cookie in header(&answer.head, "set-cookie") {
            // A value may have such digits, too.
            let (cookie, attributes) = cookie.split_once(';').unwrap_or((cookie, ""));
            let (name, value) = cookie.split_once('=').unwrap();
            match attributes.contains("Max-Age=0") || attributes.contains("1970") {
                true => jar.remove(name),
                false => jar.insert(name.to_owned(), value.to_owned()),
            };
        }
        Ok(answer)
    }
}

/// Posts something to an address on this machine, with these lines of the head.
pub(crate) fn post(address: &str, head: &str, body: &str) -> io::Result<Answer> {
    let (host, port, path) = peer_of(address).unwrap();
    exchange(host, port, path, head, Some(body))
}

/// One request: a POST if there is a body.
fn exchange(
    host: &str,
    port: u16,
    path: &str,
    head: &str,
    body: Option<&str>,
) -> io::Result<Answer> {
    // HTTP/1.0, so that no body comes in chunks.
    let head = format!("{path} HTTP/1.0\r\nHost: {host}:{port}\r\n{head}");
    let request = match body {
        None => format!("GET {head}\r\n"),
        Some(body) => format!("POST {head}Content-Length: {}\r\n\r\n{body}", body.len()),
    };
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    stream.write_all(request.as_bytes())?;
    let mut octets = Vec::new();
    stream.read_to_end(&mut octets)?;
    let text = String::from_utf8_lossy(&octets);
    let (head, text) = text.split_once("\r\n\r\n").unwrap();
    Ok(Answer {
        head: head.to_owned(),
        text: text.to_owned(),
    })
}

impl Answer {
    /// The value of a header.
    pub(crate) fn header<'a>(&'a self, name: &'a str) -> Option<&'a str> {
        header(&self.head, name).next()
    }

    /// The status of the answer.
    pub(crate) fn status(&self) -> u16 {
        let status = self.head.split(' ').nth(1).unwrap();
        status.split_whitespace().next().unwrap().parse().unwrap()
    }
}

impl Page {
    /// The first form that is posted, as the browser would send it.
    pub(crate) fn form(&self) -> Option<Value> {
        self.forms().next()
    }

    /// The form that is posted to an address with this end.
    #[track_caller]
    pub(crate) fn form_to(&self, end: &str) -> Value {
        let mut forms = self.forms();
        let form = forms.find(|form| form["action"].as_str().unwrap().ends_with(end));
        form.unwrap_or_else(|| panic!("a form to {end}: {}", self.text))
    }

    fn forms(&self) -> impl Iterator<Item = Value> {
        let forms = self.text.split("<form").skip(1);
        let forms = forms.map(|form| form.split("</form").next().unwrap());
        let forms = forms.filter(|form| {
            attribute(form.split('>').next().unwrap(), "method")
                .is_some_and(|method| method.eq_ignore_ascii_case("post"))
        });
        forms.map(|form| {
            let action = attribute(form.split('>').next().unwrap(), "action").unwrap_or_default();
            let mut fields = Map::new();
            for input in form.split("<input").skip(1) {
                let input = input.split('>').next().unwrap();
                if let Some(name) = attribute(input, "name") {
                    let value = attribute(input, "value").unwrap_or_default();
                    fields.insert(name, json!(value));
                }
            }
            json!({ "action": absolute(&self.address, &action), "fields": fields })
        })
    }

    /// The first link to an address with this in it.
    #[track_caller]
    pub(crate) fn link_to(&self, part: &str) -> String {
        let tags = self.text.split("<a ").skip(1);
        let mut links = tags.filter_map(|tag| {
            // The attribute follows a blank as in any tag.
            attribute(&format!(" {}", tag.split('>').next().unwrap()), "href")
        });
        let link = links.find(|link| link.contains(part));
        let link = link.unwrap_or_else(|| panic!("a link to {part}: {}", self.text));
        absolute(&self.address, &link)
    }

    /// Where the page goes on to by itself.
    fn goes_on_to(&self) -> Option<String> {
        let (_, refresh) = self.text.split_once("http-equiv=\"refresh\"")?;
        let content = attribute(refresh.split('>').next().unwrap(), "content").unwrap();
        let (_, to) = content.split_once("url=").unwrap();
        Some(absolute(&self.address, to))
    }

    /// The form, filled in.
    #[track_caller]
    pub(crate) fn filled(&self, with: &[(&str, &str)]) -> Value {
        let mut form = self
            .form()
            .unwrap_or_else(|| panic!("a form: {}", self.text));
        for (name, value) in with {
            form["fields"][*name] = json!(value);
        }
        form
    }

    /// What a page of ours at the peer says.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("{}", self.text))
    }
}

/// Host, port and path of an address on this machine.
fn peer_of(address: &str) -> Option<(&str, u16, &str)> {
    let rest = address.strip_prefix("http://")?;
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let (host, port) = authority.split_once(':')?;
    let path = if path.is_empty() { "/" } else { path };
    (host.ends_with(".test") || host.ends_with(".localhost"))
        .then(|| (host, port.parse().unwrap(), path))
}

/// Where a link of a page leads, if not to a neighbour of it.
fn absolute(from: &str, to: &str) -> String {
    let page = from.split('?').next().unwrap();
    let (host, port, _) = peer_of(from).unwrap();
    match to.chars().next() {
        None => from.to_owned(),
        Some('?') => format!("{page}{to}"),
        Some('/') => format!("http://{host}:{port}{to}"),
        Some(_) => to.to_owned(),
    }
}

/// Whether a form has a message and nothing to fill in.
fn is_saml(form: &Value) -> bool {
    let mut names = form["fields"].as_object().unwrap().keys();
    let known = ["SAMLRequest", "SAMLResponse", "RelayState"];
    names.len() > 0 && names.all(|name| known.contains(&&**name))
}

fn header<'a>(head: &'a str, name: &'a str) -> impl Iterator<Item = &'a str> {
    let lines = head.lines().filter_map(|line| line.split_once(':'));
    lines
        .filter(move |(n, _)| n.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.trim())
}

/// The value of a tag's attribute.
fn attribute(tag: &str, name: &str) -> Option<String> {
    for quote in ['"', '\''] {
        let begin = format!("{name}={quote}");
        let at = tag
            .match_indices(&begin)
            .find(|(at, _)| tag[..*at].ends_with(char::is_whitespace));
        if let Some((at, _)) = at {
            let value = tag[at + begin.len()..].split(quote).next().unwrap();
            return Some(unescaped(value));
        }
    }
    None
}

fn unescaped(text: &str) -> String {
    let mut pieces = text.split('&');
    let mut out = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let (name, rest) = piece.split_once(';').unwrap();
        out.push(match name {
            "amp" => '&',
            "lt" => '<',
            "gt" => '>',
            "quot" => '"',
            "apos" => '\'',
            number => {
                let number = number.strip_prefix('#').unwrap();
                let code = match number.strip_prefix(['x', 'X']) {
                    Some(hex) => u32::from_str_radix(hex, 16),
                    None => number.parse(),
                };
                char::from_u32(code.unwrap()).unwrap()
            }
        });
        out.push_str(rest);
    }
    out
}

fn escape(text: &str) -> String {
    let octets = text.bytes().map(|b| match b.is_ascii_alphanumeric() {
        true => char::from(b).to_string(),
        false => format!("%{b:02X}"),
    });
    octets.collect()
}
