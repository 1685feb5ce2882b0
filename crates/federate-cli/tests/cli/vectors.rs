//! Other people's messages: whatever they are, the command ends as it says it does.

use crate::support::*;
use serde_json::Value;
use std::path::Path;

/// Every how manyth response of the list is tried, and every how manyth other file.
const STEPS: (usize, usize) = (1, 40);

#[test]
fn the_command_ends_as_it_says_and_agrees_with_itself() {
    let Some(root) = std::env::var_os("FEDERATE_VECTORS") else {
        eprintln!("skipped: FEDERATE_VECTORS is not set");
        return;
    };
    let root = Path::new(&root);
    let place = Place::with_keys();
    let cert = place.path("idp.pem");
    let verdicts = std::fs::read_to_string(root.join("VERDICTS.tsv")).unwrap();
    let mut ran = 0;
    let paths = |responses: bool| {
        let rows = verdicts.lines().skip(1);
        let rows = rows.filter(move |row| row.contains("\t{protocol}Response\t") == responses);
        rows.map(|row| row.split('\t').next().unwrap())
    };
    let others = paths(false).step_by(STEPS.1);
    for path in paths(true).step_by(STEPS.0).chain(others) {
        if !root.join(path).is_file() {
            continue;
        }
        let decoded = run_in(root, &["decode", path, "--show-values"], b"");
        ends_as_it_says(path, &decoded);
        // The key that the message names: nobody may trust it, but it leads to the rules.
        let named = decoded.stdout.split("X509Certificate>").nth(1);
        let named = named
            .and_then(|text| text.split('<').next())
            .unwrap_or_default();
        place.write("named.pem", named);
        let named = place.path("named.pem");
        for cert in [cert.to_str().unwrap(), named.to_str().unwrap()] {
            let judge = |command| {
                let args = [
                    command,
                    path,
                    "--idp-cert",
                    cert,
                    "--sp-entity-id",
                    SP,
                    "--acs",
                    ACS,
                    "--json",
                    "--dangerous-allow-sha1",
                    "--dangerous-allow-rsa1024",
                    "--allow-inclusive-canonicalization",
                ];
                run_in(root, &args, b"")
            };
            let (verdict, table) = (judge("verify"), judge("explain"));
            ends_as_it_says(path, &verdict);
            assert_eq!(table.code, verdict.code, "{path}: {table:?} {verdict:?}");
            ran += 2;
            if table.code == 2 {
                continue;
            }
            let (verdict, table) = (verdict.json(), table.json());
            assert_eq!(table["error"]["code"], verdict["error"]["code"], "{path}");
            // The table tells the reason of the verdict, and no row fails without one.
            let failed = |check: &&Value| check["result"] == "failed";
            let failed: Vec<_> = table["checks"]
                .as_array()
                .unwrap()
                .iter()
                .filter(failed)
                .collect();
            let code = &verdict["error"]["code"];
            assert_eq!(failed.is_empty(), code.is_null(), "{path}: {table:#}");
            let tells = failed.iter().any(|check| check["code"] == *code);
            assert!(tells || code.is_null(), "{path}: {table:#}");
            for check in failed {
                assert!(check["advice"].is_string(), "{path}: {check:#}");
                if check["check"] == "verification by the library" {
                    eprintln!("{path}: {check}");
                }
            }
        }
    }
    assert!(ran > 300, "{ran}");
}

#[track_caller]
fn ends_as_it_says(path: &str, ran: &Ran) {
    assert!((0..=2).contains(&ran.code), "{path}: {ran:?}");
    assert!(!ran.stderr.contains("panicked"), "{path}: {ran:?}");
}

#[test]
fn old_algorithms_pass_by_their_options_only() {
    let Some(root) = std::env::var_os("FEDERATE_VECTORS") else {
        eprintln!("skipped: FEDERATE_VECTORS is not set");
        return;
    };
    let root = Path::new(&root);
    let place = Place::with_keys();
    // Signed with RSA-SHA1 and a key of 1024 bits.
    let path = "xml-crypto/test/static/valid_saml.xml";
    let decoded = run_in(root, &["decode", path], b"").ok();
    let named = decoded.split("X509Certificate>").nth(1).unwrap();
    place.write("named.pem", named.split('<').next().unwrap());
    let cert = place.path("named.pem");
    let judge = |more: &[&str]| {
        let usual = [
            "verify",
            path,
            "--idp-cert",
            cert.to_str().unwrap(),
            "--json",
        ];
        let sp = ["--sp-entity-id", SP, "--acs", ACS];
        run_in(root, &[&usual[..], &sp, more].concat(), b"")
    };
    let (sha1, rsa) = ("--dangerous-allow-sha1", "--dangerous-allow-rsa1024");
    refused(&judge(&[]), "signature.algorithm_refused");
    refused(&judge(&[rsa]), "signature.algorithm_refused");
    refused(&judge(&[sha1]), "signature.no_usable_key");
    // The signature is good now; the message was for somebody else.
    refused(&judge(&[sha1, rsa]), "message.destination_mismatch");
}

#[test]
fn cbc_without_a_signature_around_it_decrypts_by_its_option_only() {
    let Some(root) = std::env::var_os("FEDERATE_VECTORS") else {
        eprintln!("skipped: FEDERATE_VECTORS is not set");
        return;
    };
    let root = Path::new(&root).join("clever-saml2/test/data");
    let place = Place::with_keys();
    let cert = place.path("idp.pem");
    let decryption = |more: &[&str]| {
        let usual = [
            "explain",
            "good_response.xml",
            "--idp-cert",
            cert.to_str().unwrap(),
        ];
        let sp = [
            "--sp-entity-id",
            SP,
            "--acs",
            ACS,
            "--json",
            "--decrypt-key",
            "test.pem",
        ];
        let json = run_in(&root, &[&usual[..], &sp, more].concat(), b"").json();
        let checks = json["checks"].as_array().unwrap();
        let found = checks.iter().find(|check| check["check"] == "decryption");
        found.unwrap().clone()
    };
    assert_eq!(decryption(&[])["code"], "encryption.algorithm_refused");
    assert_eq!(decryption(&["--dangerous-allow-cbc"])["result"], "passed");
}

#[test]
fn metadata_of_others_is_told_of_without_stumbling() {
    let Some(root) = std::env::var_os("FEDERATE_VECTORS") else {
        eprintln!("skipped: FEDERATE_VECTORS is not set");
        return;
    };
    let root = Path::new(&root);
    let verdicts = std::fs::read_to_string(root.join("VERDICTS.tsv")).unwrap();
    let is_metadata = |row: &&str| {
        row.contains("\t{metadata}EntitiesDescriptor\t")
            || row.contains("\t{metadata}EntityDescriptor\t")
    };
    let rows = verdicts.lines().skip(1).filter(is_metadata);
    let paths = rows.map(|row| row.split('\t').next().unwrap());
    let mut ran = 0;
    for path in paths.filter(|path| root.join(path).is_file()).step_by(3) {
        for args in [
            &["metadata", "show", path][..],
            &["metadata", "show", path, "--json"],
            &[
                "metadata", "lint", path, "--group", "adfs", "--group", "entra",
            ],
            &["metadata", "expiring", path],
            &["metadata", "query", path, "--search", "university"],
        ] {
            let told = run_in(root, args, b"");
            ends_as_it_says(path, &told);
            let acts = |c: char| c.is_control() && c != '\n';
            assert!(!told.stdout.contains(acts), "{path}: {told:?}");
            ran += 1;
        }
        let same = run_in(root, &["metadata", "diff", path, path], b"");
        if same.code == 0 {
            assert_eq!(
                same.stdout, "0 entities were only published anew\n",
                "{path}"
            );
        }
    }
    assert!(ran > 200, "{ran}");
}
