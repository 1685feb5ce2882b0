use super::*;
use proptest::prelude::*;

fn list(entries: &[&str]) -> ReturnToList {
    ReturnToList::new(entries).unwrap()
}

#[test]
fn an_address_equals_its_entry_but_for_query_and_fragment() {
    let list = list(&[
        "https://App.example.com/Bye",
        "http://localhost:8080",
        "https://10.0.0.1/",
    ]);
    for allowed in [
        "https://app.example.com/Bye",
        "https://app.example.com:443/Bye",
        "HTTPS://APP.EXAMPLE.COM/Bye?a=b#c",
        "http://localhost:8080/",
        "http://localhost:8080?x",
        "https://10.0.0.1",
    ] {
        assert!(list.allow(allowed).is_some(), "{allowed}");
    }
    for refused in [
        "http://app.example.com/Bye",
        "https://app.example.com/bye",
        "https://app.example.com/Bye/",
        "https://app.example.com/",
        "https://app.example.com:8443/Bye",
        "https://example.com/Bye",
        "http://localhost/",
        "http://localhost:8081/",
    ] {
        assert_eq!(list.allow(refused), None, "{refused}");
    }
}

#[test]
fn a201_nothing_else_is_returned_to() {
    let list = list(&["https://app.example.com/", "https://*.example.com/bye"]);
    for hostile in [
        "",
        "/",
        "//evil.example",
        "https:evil.example",
        "https:///evil.example",
        "https://app.example.com@evil.example/",
        "https://user@app.example.com/",
        "https://:secret@app.example.com/",
        "https://app.example.com.evil.example/",
        "https://evil.example/https://app.example.com/",
        "https://evil.example#https://app.example.com/",
        "https://evil.example?https://app.example.com/",
        "https://evil.example\\.app.example.com/",
        "https://evil.example\\@app.example.com/",
        "https:\\\\app.example.com/",
        "https://app.example.com\t/",
        "https://app.exam\nple.com/",
        " https://app.example.com/",
        "https://app.example.com/\0",
        "https://app.example.com./",
        "https://app\u{3002}example.com/",
        "https://\u{ff41}pp.example.com/",
        "https://xn--/",
        "https://evil.example/.a.example.com/bye",
        "https://a.b.example.com/bye",
        "https://example.com/bye",
        "https://.example.com/bye",
        "https://*.example.com/bye",
        "https://a.example.com/bye/../other",
        "https://a.example.com/%62ye",
        "javascript:alert(1)//app.example.com/",
        "data:text/html,https://app.example.com/",
        "ftp://app.example.com/",
        "https://[::1]/bye",
    ] {
        assert_eq!(list.allow(hostile), None, "{hostile:?}");
    }
    // Read as a browser reads it: dot segments go away before anything is compared.
    let plain = Some("https://a.example.com/bye".to_owned());
    assert_eq!(list.allow("https://a.example.com/x/%2e%2e/bye"), plain);
}

#[test]
fn a_wildcard_stands_for_a_part_of_one_label() {
    let list = list(&[
        "https://pre-*-post.example.co.uk:8443/",
        "https://*.acme.github.io",
    ]);
    assert!(
        list.allow("https://pre-x-post.example.co.uk:8443")
            .is_some()
    );
    assert!(
        list.allow("https://PRE-x-post.example.co.uk:8443/?y")
            .is_some()
    );
    assert!(list.allow("https://wiki.acme.github.io/").is_some());
    for refused in [
        "https://pre--post.example.co.uk:8443/",
        "https://pre-post.example.co.uk:8443/",
        "https://pre-x.y-post.example.co.uk:8443/",
        "https://x-post.example.co.uk:8443/",
        "https://pre-x-post.example.co.uk/",
        "https://evil.github.io/",
    ] {
        assert_eq!(list.allow(refused), None, "{refused}");
    }
}

#[test]
fn bad_entries_are_refused() {
    for entry in [
        "",
        "*",
        "app.example.com",
        "/path",
        "https://*",
        "https://*.com",
        "https://*.co.uk",
        "https://*.github.io",
        "https://a*.com/",
        "https://*.localhost",
        "https://*.*.example.com",
        "https://*.a*.example.com",
        "https://a.*.example.com",
        "https://example.com/*",
        "https://example.com/?a=*",
        "https://*@example.com/",
        "https://example.com:*/",
        "*://example.com/",
        "https://user@example.com/",
        "https://10.0.0.*/",
        "https://[*::1]/",
        "ftp://example.com/",
        "javascript:alert(1)",
        "com.example.app://callback",
        "https://exa mple.com/",
        "https://xxwildcardxx*.example.com",
    ] {
        let error = ReturnToList::new([entry]).unwrap_err();
        assert_eq!(error.entry, entry);
    }
    assert!(ReturnToList::default().is_empty());
    assert_eq!(ReturnToList::default().allow("https://example.com/"), None);
}

/// Pieces of which addresses are made that try to look like others.
fn piece() -> impl Strategy<Value = String> {
    let fixed = [
        "https://",
        "http://",
        "//",
        "/",
        "\\",
        "@",
        ":",
        "?",
        "#",
        ".",
        "..",
        "%2e",
        "%2f",
        "*",
        "app",
        "evil",
        "example",
        "com",
        "app.example.com",
        "evil.example",
        "wiki.acme.org",
        ".acme.org",
        "bye",
        "443",
        "\t",
        "\n",
        "\0",
        " ",
        "[::1]",
        "\u{3002}",
        "\u{ff0f}",
        "xn--",
    ];
    prop_oneof![
        8 => proptest::sample::select(fixed.to_vec()).prop_map(str::to_owned),
        1 => any::<char>().prop_map(String::from),
    ]
}

proptest! {
    /// Whatever is asked for: the browser is sent to an origin and a path of the list, or
    /// nowhere.
    #[test]
    fn a201_nothing_outside_of_the_list_is_returned_to(
        pieces in proptest::collection::vec(piece(), 0..12),
        lead in any::<bool>(),
    ) {
        let list = list(&["https://app.example.com/", "https://app.example.com/bye", "https://*.acme.org/bye"]);
        let mut address = if lead { "https://".to_owned() } else { String::new() };
        address.extend(pieces);
        if let Some(allowed) = list.allow(&address) {
            let end = allowed.find(['?', '#']).unwrap_or(allowed.len());
            let (to, _) = allowed.split_at(end);
            let host = to.strip_prefix("https://").and_then(|rest| rest.strip_suffix(".acme.org/bye"));
            let one_label = host.is_some_and(|label| !label.is_empty() && !label.contains(['.', '/', '@', ':', '\\']));
            let exact = ["https://app.example.com/", "https://app.example.com/bye"].contains(&to);
            prop_assert!(exact || one_label, "{address:?} leads to {allowed:?}");
            prop_assert_eq!(list.allow(&allowed), Some(allowed.clone()));
        }
    }
}
