//! Single logout in a hub whose applications are of four kinds, each with the sessions of its own
//! software: what counts is whether each says itself that the person is signed out.
//!
//! The hub is a server on this machine, as the applications are, and one browser goes between
//! them. It asks those directly that offer SOAP.

#[path = "mixed/layers.rs"]
mod layers;
#[path = "mixed/quirks.rs"]
mod quirks;
#[path = "mixed/sessions.rs"]
mod sessions;
#[path = "mixed/told.rs"]
mod told;
#[path = "mixed/world.rs"]
mod world;

use crate::browser::{Browser, NOBODY};
use crate::*;
use federate::hub::LogoutPhase;
use federate::logout::{Failure, Outcome};
use told::*;
use world::*;

const NOBODY_THERE: [&str; 0] = [];

/// Whoever begins, in the end each says itself that the person is signed out, and it took the
/// hub's answer.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_logout_begins_at_each_in_turn() {
    for soap in [&[PYSAML2][..], &[]] {
        let options = Options {
            soap,
            ..Options::default()
        };
        let Some(world) = World::with(options).await else {
            return;
        };
        for name in KINDS {
            let mut browser = Browser::default();
            world.sign_in(&mut browser, USER);
            let session = world.session(&browser);
            assert_eq!(world.signed_in(&mut browser), KINDS);

            let page = browser.open(&world.at(name, "/out")).page();
            assert_eq!(answer_at(name, &page), (true, None), "{}", page.text);
            assert_eq!(world.result(&browser), all_confirmed(Some(name)));
            assert_eq!(world.signed_in(&mut browser), NOBODY_THERE, "{name}");
            assert!(!world.is_alive(&session).await);
        }
        // All but the one that asked itself.
        assert_eq!(world.direct.asked("pysaml2.test"), soap.len() * 3);
        assert_eq!(world.failures.all(), []);
    }
}

/// At the hub's own page, nobody waits for an answer, and everybody is told.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_logout_begins_at_the_hub() {
    let Some(world) = World::new().await else {
        return;
    };
    let mut browser = Browser::default();
    world.sign_in(&mut browser, USER);
    let session = world.session(&browser);
    let page = world.log_out(&mut browser);
    assert!(page.text.contains("You are signed out"), "{}", page.text);
    assert_eq!(world.result(&browser), all_confirmed(None));
    assert_eq!(world.signed_in(&mut browser), NOBODY_THERE);
    assert!(!world.is_alive(&session).await);
}

/// Without a browser, those are told that take logout by SOAP. Of the others it is said that
/// they need a browser, and they say that the person is still signed in.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_administrator_ends_a_session() {
    let Some(world) = World::new().await else {
        return;
    };
    let mut browser = Browser::default();
    world.sign_in(&mut browser, USER);
    let session = world.session(&browser);
    let view = world.hub.session(&session).await.unwrap().unwrap();
    let handle = world.hub.end_session(&view.record.id).await.unwrap();
    let page = world.settled(&handle.unwrap()).await;
    assert_eq!(page.phase, LogoutPhase::Done { complete: false });
    let told = outcomes(&page);
    let others = [SIMPLESAMLPHP, PYTHON3_SAML, NODE_SAML];
    assert_eq!(told[PYSAML2], &Outcome::Confirmed);
    for name in others {
        assert_eq!(told[name], &Outcome::Failed(Failure::NoBrowser), "{name}");
    }
    assert_eq!(world.signed_in(&mut browser), others);
    assert!(!world.is_alive(&session).await);
    // Each of them ends its own session, and asks a hub that has none any more.
    for name in others {
        let page = browser.open(&world.at(name, "/out")).page();
        assert_eq!(answer_at(name, &page), (true, None), "{}", page.text);
    }
    assert_eq!(world.signed_in(&mut browser), NOBODY_THERE);
}

/// One of them is down: the person goes back and on without it, the others are signed out, and
/// the one that asked is told that it was not all (`[SAMLProf] 4.4.3.5`): success, as the hub's
/// session is over, and PartialLogout. That is a success to those that do not read the second
/// level, too.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_of_them_is_down() {
    for (down, name, reads_second) in [
        (NODE_SAML, SIMPLESAMLPHP, true),
        (SIMPLESAMLPHP, PYSAML2, true),
        (PYSAML2, PYTHON3_SAML, false),
        (PYTHON3_SAML, NODE_SAML, false),
    ] {
        let Some(mut world) = World::new().await else {
            return;
        };
        let mut browser = Browser::default();
        world.sign_in(&mut browser, USER);
        let session = world.session(&browser);
        world.peers.remove(down);

        let page = browser.open(&world.at(name, "/out")).page();
        assert_eq!(page.text, NOBODY, "{name} without {down}: {}", page.address);
        let page = world.skip(&mut browser);
        let partial = reads_second.then(|| PARTIAL_LOGOUT.to_owned());
        assert_eq!(answer_at(name, &page), (true, partial), "{}", page.text);
        let mut expected = all_confirmed(Some(name));
        expected.insert(down.to_owned(), "Asked, no answer (skipped)".to_owned());
        assert_eq!(world.result(&browser), expected);
        assert_eq!(world.signed_in(&mut browser), NOBODY_THERE, "{name}");
        assert!(!world.is_alive(&session).await);
    }
}

/// One of them refuses: the browser is left at its page, and the person goes back and on without
/// it. It is not called signed out, and it says that the person is not. The hub asks it once more
/// when the person wants that.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_of_them_refuses() {
    let Some(mut world) = World::new().await else {
        return;
    };
    let mut expected = all_confirmed(None);
    let skipped = "Asked, no answer (skipped)".to_owned();
    expected.insert(SIMPLESAMLPHP.to_owned(), skipped.clone());
    let mut browser = Browser::default();
    world.sign_in(&mut browser, USER);
    world.mislead_simplesamlphp(true);
    let page = world.log_out(&mut browser);
    let refused = "Unable to validate signature on query string";
    assert!(page.text.contains(refused), "{}", page.text);
    let page = world.skip(&mut browser);
    assert!(page.text.contains("You are not signed out everywhere"));
    assert_eq!(world.result(&browser), expected);
    assert_eq!(world.signed_in(&mut browser), [SIMPLESAMLPHP]);
    world.mislead_simplesamlphp(false);
    browser.carry(&page.form_to("/retry")).page();
    assert_eq!(world.result(&browser), all_confirmed(None));
    assert_eq!(world.signed_in(&mut browser), NOBODY_THERE);

    // The same where an application began.
    world.sign_in(&mut browser, USER);
    world.mislead_simplesamlphp(true);
    let page = browser.open(&world.at(PYSAML2, "/out")).page();
    assert!(page.text.contains(refused), "{}", page.text);
    let page = world.skip(&mut browser);
    let partial = Some(PARTIAL_LOGOUT.to_owned());
    assert_eq!(answer_at(PYSAML2, &page), (true, partial), "{}", page.text);
    expected = all_confirmed(Some(PYSAML2));
    expected.insert(SIMPLESAMLPHP.to_owned(), skipped);
    assert_eq!(world.result(&browser), expected);
    assert_eq!(world.signed_in(&mut browser), [SIMPLESAMLPHP]);
}
