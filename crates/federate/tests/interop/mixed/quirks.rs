//! What these applications do otherwise than they should, and that the hub tells the truth of it.

use super::NOBODY_THERE;
use super::told::*;
use super::world::*;
use crate::browser::Browser;
use crate::*;
use federate::hub::LogoutPhase;
use federate::logout::{Failure, Outcome};

/// An administrator ends the session of a browser that is signed in everywhere.
async fn ended(world: &World, browser: &mut Browser) -> BTreeMap<String, Outcome> {
    world.sign_in(browser, USER);
    let session = world.session(browser);
    let view = world.hub.session(&session).await.unwrap().unwrap();
    let handle = world.hub.end_session(&view.record.id).await.unwrap();
    let page = world.settled(&handle.unwrap()).await;
    assert_eq!(page.phase, LogoutPhase::Done { complete: false });
    let outcomes = outcomes(&page).into_iter();
    outcomes
        .map(|(name, outcome)| (name.to_owned(), outcome.clone()))
        .collect()
}

/// SimpleSAMLphp 1.19 takes a LogoutRequest by SOAP and ends the session that it names, if it has
/// a store; then it breaks off as it makes the answer (it sets a Destination that is no text) and
/// answers with a page. Without a store it ends nothing and breaks off just so.
///
/// So the hub cannot know, and says that it failed. When a browser comes, SimpleSAMLphp confirms
/// there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn simplesamlphp_breaks_off_its_answer_by_soap() {
    for (store, still_there) in [
        ("FileStore", &[PYTHON3_SAML, NODE_SAML][..]),
        ("phpsession", &[SIMPLESAMLPHP, PYTHON3_SAML, NODE_SAML]),
    ] {
        let options = Options {
            soap: &[SIMPLESAMLPHP, PYSAML2],
            store,
            ..Options::default()
        };
        let Some(world) = World::with(options).await else {
            return;
        };
        let mut browser = Browser::default();
        let told = ended(&world, &mut browser).await;
        assert_eq!(
            told[SIMPLESAMLPHP],
            Outcome::Failed(Failure::Fault),
            "{store}"
        );
        assert_eq!(told[PYSAML2], Outcome::Confirmed);
        assert_eq!(world.signed_in(&mut browser), still_there);

        let mut browser = Browser::default();
        world.sign_in(&mut browser, USER);
        world.log_out(&mut browser);
        assert_eq!(world.result(&browser), all_confirmed(None), "{store}");
        assert_eq!(world.signed_in(&mut browser), NOBODY_THERE);
    }
}

/// pysaml2 takes a message out of its envelope by writing it anew, with prefixes of its own, and
/// then verifies what it wrote: a signature over other prefixes is a wrong one to it. It knows the
/// hub's only if the application registers them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pysaml2_refuses_other_prefixes_by_soap() {
    let options = Options {
        knows_prefixes: false,
        ..Options::default()
    };
    let Some(world) = World::with(options).await else {
        return;
    };
    let mut browser = Browser::default();
    let told = ended(&world, &mut browser).await;
    assert_eq!(told[PYSAML2], Outcome::Failed(Failure::Fault));
    assert_eq!(world.signed_in(&mut browser), KINDS);
    // By the browser it verifies what came.
    let mut browser = Browser::default();
    world.sign_in(&mut browser, USER);
    world.log_out(&mut browser);
    assert_eq!(world.result(&browser), all_confirmed(None));
    assert_eq!(world.signed_in(&mut browser), NOBODY_THERE);
}

/// Left to itself, pysaml2 asks by SOAP where the hub takes that. Then there is no browser that
/// could go to the others: they are still signed in, and the answer says that it was not all.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pysaml2_asks_by_soap_if_it_can() {
    let options = Options {
        soap_to_hub: true,
        ..Options::default()
    };
    let Some(world) = World::with(options).await else {
        return;
    };
    let mut browser = Browser::default();
    world.sign_in(&mut browser, USER);
    let session = world.session(&browser);
    let page = browser.open(&world.at(PYSAML2, "/global-out")).page();
    let partial = Some(PARTIAL_LOGOUT.to_owned());
    assert_eq!(answer_at(PYSAML2, &page), (true, partial), "{}", page.text);
    let others = [SIMPLESAMLPHP, PYTHON3_SAML, NODE_SAML];
    assert_eq!(world.signed_in(&mut browser), others);
    assert!(!world.is_alive(&session).await);
}

/// Who has left an application by its own button is nobody there when the hub asks later.
/// SimpleSAMLphp and python3-saml confirm what is already so. pysaml2 and node-saml, as
/// passport-saml uses it, know no such person, and say no more than that: it may be another name
/// for somebody who is signed in, so the hub does not call it signed out.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn somebody_left_an_application_before() {
    let Some(world) = World::new().await else {
        return;
    };
    for (name, said) in [
        (SIMPLESAMLPHP, CONFIRMED),
        (PYSAML2, "Failed"),
        (PYTHON3_SAML, CONFIRMED),
        (NODE_SAML, "Failed"),
    ] {
        let mut browser = Browser::default();
        world.sign_in(&mut browser, USER);
        browser.open(&world.at(name, "/leave")).page();
        let others: Vec<_> = KINDS.into_iter().filter(|kind| *kind != name).collect();
        assert_eq!(world.signed_in(&mut browser), others);
        world.log_out(&mut browser);
        let mut expected = all_confirmed(None);
        expected.insert(name.to_owned(), said.to_owned());
        assert_eq!(world.result(&browser), expected);
        assert_eq!(world.signed_in(&mut browser), NOBODY_THERE);
    }
}
