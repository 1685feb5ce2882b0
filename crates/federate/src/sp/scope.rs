//! Whether an identity provider is the one to say what it says: scopes.

use super::Connection;
use federate_metadata::{EntityDescriptor, Scope};
use federate_saml::ValidatedLogin;
use federate_session::Profile;

/// The attributes of a login, by name, and apart from them the values that are out of scope.
pub(super) fn checked(
    login: &ValidatedLogin,
    connection: &Connection,
    metadata: &EntityDescriptor,
) -> (Profile, Profile) {
    let scopes: Vec<&Scope> = metadata.idp_scopes().collect();
    let checks = connection.require_scopes || !scopes.is_empty();
    let (mut kept, mut dropped) = (Profile::default(), Profile::default());
    for attribute in login.attributes() {
        let name = &attribute.name;
        let is_scoped = checks && connection.scoped_attributes.contains(name);
        let values = attribute.values.iter().filter_map(|v| v.as_text());
        let (inside, outside): (Vec<&str>, Vec<&str>) =
            values.partition(|value| !is_scoped || is_in_scope(value, &scopes));
        let put = |profile: &mut Profile, values: Vec<&str>| {
            let of_that_name = profile.attributes.entry(name.clone()).or_default();
            of_that_name.extend(values.into_iter().map(str::to_owned));
        };
        if !inside.is_empty() || outside.is_empty() {
            put(&mut kept, inside);
        }
        if !outside.is_empty() {
            put(&mut dropped, outside);
        }
    }
    (kept, dropped)
}

/// Whether a value is something, `@`, and one of the scopes. One with a second `@` would have
/// another scope for whoever looks for the first than for whoever looks for the last.
fn is_in_scope(value: &str, scopes: &[&Scope]) -> bool {
    value.split_once('@').is_some_and(|(local, scope)| {
        !local.is_empty() && !scope.contains('@') && scopes.iter().any(|known| known.matches(scope))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_in_scope_in_one_way_only() {
        let scopes = [&Scope::new("example.org")];
        assert!(is_in_scope("alice@example.org", &scopes));
        for value in [
            "",
            "alice",
            "@example.org",
            "alice@",
            "example.org",
            "alice@Example.org",
            "alice@example.org ",
            "alice@example.org.",
            "alice@a.example.org",
            "alice@other.example",
            "alice@other.example@example.org",
            "alice@example.org@other.example",
            "alice\u{ff20}example.org",
        ] {
            assert!(!is_in_scope(value, &scopes), "{value}");
        }
        assert!(!is_in_scope("alice@example.org", &[]));
    }
}
