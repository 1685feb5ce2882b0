//! Cookies: read from a request, written as `Set-Cookie`.

use crate::site::Site;
use axum::http::HeaderMap;
use axum::http::header::{COOKIE, HeaderValue, SET_COOKIE};
use axum::response::Response;
use chrono::{DateTime, TimeDelta, Utc};
use federate::Token;

/// What a cookie is for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Purpose {
    /// It opens a session.
    Session,
    /// It ties our own forms to the browser to which they were shown.
    Form,
    /// It ties a login to the browser in which it began.
    Login,
    /// It ties logouts to the browser in which they began.
    Logout,
}

impl Purpose {
    const fn name(self) -> &'static str {
        match self {
            Self::Session => "session",
            Self::Form => "form",
            Self::Login => "login",
            Self::Logout => "logout",
        }
    }
}

/// How long a browser may take from the beginning of a login to its end: as long as the
/// request may be answered, and a little more.
pub(crate) const LOGIN_TIME: TimeDelta = TimeDelta::minutes(15);

/// For how long a browser knows the logouts that began in it: longer than anybody waits.
const LOGOUT_TIME: TimeDelta = TimeDelta::hours(1);

/// How many logouts at the same time a browser knows.
const LOGOUTS: usize = 4;

/// The token of a cookie, if the browser sent one that can be ours.
pub(crate) fn read(headers: &HeaderMap, site: &Site, purpose: Purpose) -> Option<Token> {
    Token::parse(value(headers, site, purpose)?)
}

/// The handles of the logouts that began in this browser, the last one first.
pub(crate) fn logouts(headers: &HeaderMap, site: &Site) -> Vec<Token> {
    let handles = value(headers, site, Purpose::Logout).unwrap_or_default();
    let handles = handles.split('.').filter_map(Token::parse);
    handles.take(LOGOUTS).collect()
}

/// Lets the browser know one more.
pub(crate) fn add_logout(response: &mut Response, site: &Site, headers: &HeaderMap, new: &Token) {
    let known = logouts(headers, site);
    let others = known.iter().map(Token::expose);
    let others = others.filter(|known| *known != new.expose());
    let handles: Vec<_> = std::iter::once(new.expose())
        .chain(others)
        .take(LOGOUTS)
        .collect();
    let handles = handles.join(".");
    append(response, site, Purpose::Logout, &handles, Some(LOGOUT_TIME));
}

fn value<'a>(headers: &'a HeaderMap, site: &Site, purpose: Purpose) -> Option<&'a str> {
    let name = site.cookie_name(purpose.name());
    headers
        .get_all(COOKIE)
        .into_iter()
        .filter_map(|header| header.to_str().ok())
        .flat_map(|header| header.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(found, _)| *found == name)
        .map(|(_, value)| value)
}

/// Sets a cookie for this long; for as long as the browser runs if no time is given.
pub(crate) fn set(
    response: &mut Response,
    site: &Site,
    purpose: Purpose,
    token: &Token,
    lasts: Option<TimeDelta>,
) {
    append(response, site, purpose, token.expose(), lasts);
}

/// Removes a cookie.
pub(crate) fn clear(response: &mut Response, site: &Site, purpose: Purpose) {
    append(response, site, purpose, "", Some(TimeDelta::zero()));
}

/// How long it is until then, as a cookie's age.
pub(crate) fn until(end: DateTime<Utc>, now: DateTime<Utc>) -> TimeDelta {
    end.signed_duration_since(now).max(TimeDelta::zero())
}

fn append(
    response: &mut Response,
    site: &Site,
    purpose: Purpose,
    value: &str,
    lasts: Option<TimeDelta>,
) {
    let name = site.cookie_name(purpose.name());
    let age = lasts.map_or_else(String::new, |l| format!("; Max-Age={}", l.num_seconds()));
    let secure = if site.is_secure() { "; Secure" } else { "" };
    let cookie = format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax{age}{secure}");
    // Names and tokens are plain ASCII.
    if let Ok(header) = HeaderValue::from_str(&cookie) {
        response.headers_mut().append(SET_COOKIE, header);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

    fn site(base: &str) -> Site {
        Site::new(base, "app", "A").unwrap()
    }

    #[test]
    fn finds_its_own_cookie_among_others() {
        let mut headers = HeaderMap::new();
        let site = site("http://localhost:1");
        let text = format!("a=b; xapp_session={TOKEN};app_session={TOKEN} ; c");
        headers.append(COOKIE, HeaderValue::from_static("other=1"));
        headers.append(COOKIE, HeaderValue::from_str(&text).unwrap());
        let found = read(&headers, &site, Purpose::Session).unwrap();
        assert_eq!(found.expose(), TOKEN);
        assert!(read(&headers, &site, Purpose::Login).is_none());
        let mut short = HeaderMap::new();
        short.append(COOKIE, HeaderValue::from_static("app_session=short"));
        assert!(read(&short, &site, Purpose::Session).is_none());
    }

    #[test]
    fn a_browser_knows_its_last_logouts() {
        let site = site("https://a.example");
        let mut headers = HeaderMap::new();
        let handles = ["A", "B", "C", "D", "E", "C"].map(|c| Token::parse(&c.repeat(43)).unwrap());
        for handle in &handles {
            let mut response = Response::default();
            add_logout(&mut response, &site, &headers, handle);
            let cookie = response
                .headers()
                .get(SET_COOKIE)
                .unwrap()
                .to_str()
                .unwrap();
            let pair = cookie.split(';').next().unwrap();
            headers.insert(COOKIE, HeaderValue::from_str(pair).unwrap());
        }
        let known = logouts(&headers, &site);
        let known: Vec<_> = known
            .iter()
            .map(|handle| handle.expose().chars().next())
            .collect();
        assert_eq!(known, ["C", "E", "D", "B"].map(|c| c.chars().next()));
    }

    #[test]
    fn a208_cookies_carry_every_protection() {
        let mut response = Response::default();
        let token = Token::parse(TOKEN).unwrap();
        let (week, secure) = (TimeDelta::days(7), site("https://a.example"));
        set(&mut response, &secure, Purpose::Session, &token, Some(week));
        let header = response.headers().get(SET_COOKIE).unwrap();
        let expected = format!(
            "__Host-app_session={TOKEN}; Path=/; HttpOnly; SameSite=Lax; Max-Age=604800; Secure"
        );
        assert_eq!(header, expected.as_str());
    }
}
