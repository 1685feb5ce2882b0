//! What the hub's pages and the applications say of a logout.

use super::world::{KINDS, NODE_SAML, PYSAML2, PYTHON3_SAML, SIMPLESAMLPHP};
use crate::browser::Page;
use crate::*;
use federate::hub::LogoutPage;
use federate::logout::Outcome;

const SUCCESS: &str = "urn:oasis:names:tc:SAML:2.0:status:Success";

pub(crate) const PARTIAL_LOGOUT: &str = "urn:oasis:names:tc:SAML:2.0:status:PartialLogout";

/// What the hub's page says of an application that confirmed, and of the one that began.
pub(crate) const CONFIRMED: &str = "Signed out";
pub(crate) const ASKED: &str = "Asked for this sign-out";

/// The table of a page of the hub.
pub(crate) fn rows(page: &Page) -> BTreeMap<String, String> {
    let rows = page.text.split("<th scope=\"row\">").skip(1);
    let rows = rows.map(|row| {
        let (name, rest) = row.split_once("</th>").unwrap();
        let (_, rest) = rest.split_once("<span class=\"state").unwrap();
        let (_, rest) = rest.split_once('>').unwrap();
        let (outcome, _) = rest.split_once('<').unwrap();
        (name.to_owned(), outcome.to_owned())
    });
    rows.collect()
}

/// What the hub's page says when one asked and the others confirmed.
pub(crate) fn all_confirmed(initiator: Option<&str>) -> BTreeMap<String, String> {
    let said = KINDS.into_iter().map(|name| match Some(name) == initiator {
        true => (name.to_owned(), ASKED.to_owned()),
        false => (name.to_owned(), CONFIRMED.to_owned()),
    });
    said.collect()
}

/// What became of each, by name.
pub(crate) fn outcomes(page: &LogoutPage) -> BTreeMap<&str, &Outcome> {
    let peers = page.applications.iter().chain(&page.upstreams);
    peers
        .map(|peer| (peer.name.as_str(), &peer.outcome))
        .collect()
}

/// What a peer's page says of the hub's answer, as its software reads it: whether it is a success,
/// and the second-level status where the software tells it.
pub(crate) fn answer_at(name: &str, page: &Page) -> (bool, Option<String>) {
    let said = page.json();
    let second = |value: &Value| value.as_str().map(str::to_owned);
    match name {
        SIMPLESAMLPHP => {
            let status = &said["status"];
            (status["Code"] == SUCCESS, second(&status["SubCode"]))
        }
        PYSAML2 => (said["status"] == SUCCESS, second(&said["second"])),
        PYTHON3_SAML => (said["errors"] == json!([]), None),
        NODE_SAML => (said["logged_out"] == true, None),
        other => panic!("{other}"),
    }
}
