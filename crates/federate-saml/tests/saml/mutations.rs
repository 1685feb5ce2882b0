//! Every attack of the testkit's mutation engine on every response there is: refused, or the
//! very same login.

use crate::encryption::{encryptor, verify};
use crate::support::*;
use crate::vectors;
use federate_saml::{
    IssuePolicy, Response, SamlError, ValidatedLogin, issue_response, validate_response,
    verify_response,
};
use federate_testkit::mutation::{
    ATTACKS, ENCRYPTION_ATTACKS, Expect as Must, Mutation, SEMANTIC_ATTACKS, mutations,
    semantic_mutations, sign_again, some_mutations,
};
use federate_xml::{Limits, SignaturePolicy, TrustedKeys, Unverified, VerificationContext};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

/// How many mutations of one attack are tried on each document of other people.
const OF_ONE_ATTACK: usize = 10;

/// How many attacks on each document get how many others on top.
const FIRST_ATTACKS: usize = 12;
const OF_ONE_SECOND_ATTACK: usize = 4;

/// Attacks whose refusals have one reason, on our own responses.
const ONE_REASON: [(&str, &str); 7] = [
    ("A130", "response.audience_mismatch"),
    ("A131", "response.recipient_mismatch"),
    ("A132", "message.destination_mismatch"),
    ("A135", "message.issuer_mismatch"),
    ("A136", "message.in_response_to_mismatch"),
    ("A144", "response.assertion_count"),
    ("A147", "response.unknown_condition"),
];

/// A response that is accepted.
struct Honest {
    name: String,
    octets: Vec<u8>,
    keys: TrustedKeys,
    policy: SignaturePolicy,
    expect: Expect,
    login: ValidatedLogin,
}

fn login(
    octets: &[u8],
    keys: &TrustedKeys,
    policy: &SignaturePolicy,
    expect: &Expect,
) -> Result<ValidatedLogin, SamlError> {
    let provider = provider();
    let context = VerificationContext {
        provider: &provider,
        policy,
        now: expect.now,
    };
    let response = Unverified::<Response>::parse(octets, &Limits::default())?;
    let verified = verify_response(&response, keys, &context, None)?;
    Ok(validate_response(verified, &expect.as_expectation())?)
}

impl Honest {
    /// `None` for what is not accepted as it is.
    fn new(
        name: &str,
        octets: &[u8],
        keys: &TrustedKeys,
        policy: SignaturePolicy,
        expect: Expect,
    ) -> Option<Self> {
        Some(Self {
            login: login(octets, keys, &policy, &expect).ok()?,
            name: name.to_owned(),
            octets: octets.to_vec(),
            keys: keys.clone(),
            policy,
            expect,
        })
    }

    /// The same response, signed with the test's own key.
    fn signed_again(&self, octets: &[u8]) -> Option<Self> {
        let octets = sign_again(octets, |o| signer().sign_octets(o).unwrap())?;
        let policy = SignaturePolicy::default();
        let expect = self.expect.clone();
        Self::new(&self.name, &octets, &trusted(), policy, expect)
    }
}

#[derive(Default)]
struct Tally {
    documents: usize,
    mutations: usize,
    refused: usize,
    /// The codes of the refusals of each attack.
    codes: BTreeMap<&'static str, BTreeSet<&'static str>>,
    problems: Vec<String>,
}

impl Tally {
    /// The attacks on the octets, which tell the login of the honest response.
    fn attack(&mut self, honest: &Honest, octets: &[u8], of_one_attack: usize) {
        // Other ones of each attack for each document.
        for mutation in some_mutations(octets, of_one_attack, self.documents) {
            let (octets, policy) = (&mutation.octets, &honest.policy);
            let result = login(octets, &honest.keys, policy, &honest.expect);
            self.count(honest, &mutation, octets, result);
        }
        self.documents += 1;
    }

    /// What the response says is changed, and signed again by somebody who is trusted.
    fn semantics(&mut self, honest: &Honest) {
        let again = honest.signed_again(&honest.octets);
        let again = again.unwrap_or_else(|| panic!("{} is not accepted again", honest.name));
        assert_eq!(again.login, honest.login, "{}", honest.name);
        for mutation in semantic_mutations(&honest.octets) {
            let sign = |octets: &[u8]| signer().sign_octets(octets).unwrap();
            let octets = sign_again(&mutation.octets, sign).unwrap();
            let result = login(&octets, &again.keys, &again.policy, &again.expect);
            self.count(honest, &mutation, &octets, result);
        }
        self.documents += 1;
    }

    fn count(
        &mut self,
        honest: &Honest,
        mutation: &Mutation,
        octets: &[u8],
        result: Result<ValidatedLogin, SamlError>,
    ) {
        self.mutations += 1;
        let codes = self.codes.entry(mutation.attack).or_default();
        let problem = match result {
            Err(error) => {
                self.refused += 1;
                codes.insert(error.code());
                return;
            }
            Ok(login) if login != honest.login => format!("{login:?}"),
            Ok(_) if mutation.expect == Must::Refused => "accepted".to_owned(),
            Ok(_) => return,
        };
        let text = String::from_utf8_lossy(octets);
        let (name, attack, what) = (&honest.name, mutation.attack, &mutation.what);
        self.problems
            .push(format!("{name}: {attack} {what}: {problem}: {text}"));
    }

    fn report(&self, attacks: &[&'static str]) {
        println!(
            "{} documents, {} mutations: {} refused, {} say the same",
            self.documents,
            self.mutations,
            self.refused,
            self.mutations - self.refused - self.problems.len()
        );
        let codes = self.codes.iter().map(|(a, c)| format!("{a}:{}", c.len()));
        println!("codes of refusals: {}", codes.collect::<Vec<_>>().join(" "));
        assert!(self.problems.is_empty(), "{:#?}", self.problems);
        for attack in attacks {
            let codes = self.codes.get(attack);
            assert!(codes.is_some(), "{attack} was never applied");
            assert!(
                codes.is_some_and(|c| !c.is_empty()),
                "{attack} was never refused"
            );
        }
    }
}

fn own_responses() -> Vec<Honest> {
    let own = |part| {
        let (octets, policy) = (honest(part).xml(), SignaturePolicy::default());
        let name = format!("{part:?}");
        Honest::new(&name, octets.as_bytes(), &trusted(), policy, expect()).unwrap()
    };
    PARTS.map(own).into_iter().collect()
}

/// Every response of other people that is accepted as it came, by whom it was sent to.
fn other_peoples_responses() -> Option<Vec<Honest>> {
    let Some(folder) = std::env::var_os("FEDERATE_VECTORS").map(PathBuf::from) else {
        println!("skipped: FEDERATE_VECTORS is not set");
        return None;
    };
    let rows = vectors::rows(&folder);
    let keys = vectors::pinned(&folder, &rows);
    let accepted = rows.iter().filter_map(|row| {
        let octets = row.octets(&folder)?;
        let response = Unverified::<Response>::parse(&octets, &Limits::default()).ok()?;
        let expect = vectors::context(row, &response.read_unsigned().ok()?);
        let policy = vectors::legacy(expect.now);
        Honest::new(&row.path, &octets, &keys[row.source()], policy, expect)
    });
    let accepted: Vec<_> = accepted.collect();
    assert!(accepted.len() >= 15, "the vectors are not all there");
    Some(accepted)
}

#[test]
fn attacks_on_our_responses_are_refused_or_change_nothing() {
    let mut tally = Tally::default();
    for honest in own_responses() {
        tally.attack(&honest, &honest.octets, usize::MAX);
    }
    tally.report(ATTACKS);
}

/// What one attack leaves acceptable, and another one on top of it.
#[test]
fn two_attacks_at_once_are_refused_or_change_nothing() {
    let mut tally = Tally::default();
    for mut honest in own_responses() {
        let mut first = mutations(&honest.octets);
        let still = |octets: &[u8]| login(octets, &honest.keys, &honest.policy, &honest.expect);
        first.retain(|m| still(&m.octets).is_ok());
        for first in first.iter().step_by(first.len().div_ceil(FIRST_ATTACKS)) {
            honest.name = format!("{} {}", first.attack, first.what);
            tally.attack(&honest, &first.octets, OF_ONE_SECOND_ATTACK);
        }
    }
    tally.report(ATTACKS);
}

#[test]
fn attacks_on_other_peoples_responses_are_refused_or_change_nothing() {
    let Some(responses) = other_peoples_responses() else {
        return;
    };
    let mut tally = Tally::default();
    for honest in responses {
        tally.attack(&honest, &honest.octets, OF_ONE_ATTACK);
    }
    tally.report(ATTACKS);
}

/// The assertion is encrypted; where the response is not signed, nobody outside can see a
/// signature.
#[test]
fn attacks_on_encrypted_responses_are_refused_or_change_nothing() {
    let (idp, sp, request) = (entity(IDP), entity(SP), id("_request"));
    let mut codes: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let (mut made, mut refused) = (0, 0);
    for signed_part in PARTS {
        let policy = IssuePolicy {
            signed_part,
            encryption: Some(encryptor()),
            ..IssuePolicy::default()
        };
        let alice = crate::support::login(&idp, &sp, Some(&request));
        let ids = (id("_response"), id("_assertion"));
        let honest = issue_response(&alice, ids.0, ids.1, &policy, &signer(), now()).unwrap();
        let login = |octets: &[u8]| -> Result<_, SamlError> {
            // What is no text is refused by the parser, as other tests show.
            let text = std::str::from_utf8(octets).unwrap_or_default();
            Ok(validate_response(
                verify(text)?,
                &expect().as_expectation(),
            )?)
        };
        let expected = login(&honest).unwrap();
        for Mutation {
            attack,
            what,
            octets,
            ..
        } in mutations(&honest)
        {
            made += 1;
            let codes = codes.entry(attack).or_default();
            match login(&octets) {
                Ok(login) => {
                    let text = String::from_utf8_lossy(&octets);
                    assert_eq!(login, expected, "{signed_part:?}: {attack} {what}: {text}");
                }
                Err(error) => {
                    refused += 1;
                    codes.insert(error.code());
                }
            }
        }
    }
    println!("3 documents, {made} mutations: {refused} refused");
    for attack in ENCRYPTION_ATTACKS {
        let codes = codes.get(attack);
        println!("{attack}: {codes:?}");
        assert!(
            codes.is_some_and(|c| !c.is_empty()),
            "{attack} was never refused"
        );
    }
}

#[test]
fn signed_responses_that_break_a_rule_are_refused() {
    let mut tally = Tally::default();
    for honest in own_responses() {
        tally.semantics(&honest);
    }
    tally.report(SEMANTIC_ATTACKS);
    for (attack, code) in ONE_REASON {
        assert_eq!(tally.codes[attack], BTreeSet::from([code]), "{attack}");
    }
}

#[test]
fn other_peoples_responses_that_break_a_rule_are_refused() {
    let Some(responses) = other_peoples_responses() else {
        return;
    };
    let mut tally = Tally::default();
    for honest in responses {
        tally.semantics(&honest);
    }
    tally.report(SEMANTIC_ATTACKS);
}
