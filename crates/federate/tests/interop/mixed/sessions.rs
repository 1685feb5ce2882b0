//! Several sessions at a time: the end of one leaves the others alone.

use super::NOBODY_THERE;
use super::told::*;
use super::world::*;
use crate::browser::Browser;
use crate::*;

/// Two people at two browsers, and one person at two browsers whose names are not the same in
/// both: whoever logs out, wherever, the other one goes on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_end_of_one_session_is_not_the_end_of_another() {
    let options = Options {
        names_at_pysaml2: NameIdFormat::Transient,
        ..Options::default()
    };
    let Some(world) = World::with(options).await else {
        return;
    };
    for other in ["bob", USER] {
        for name in KINDS {
            let (mut here, mut there) = (Browser::default(), Browser::default());
            world.sign_in(&mut here, USER);
            world.sign_in(&mut there, other);
            let session = world.session(&there);
            let page = here.open(&world.at(name, "/out")).page();
            assert_eq!(answer_at(name, &page), (true, None), "{}", page.text);
            assert_eq!(world.result(&here), all_confirmed(Some(name)));
            assert_eq!(world.signed_in(&mut here), NOBODY_THERE, "{name}");
            assert_eq!(world.signed_in(&mut there), KINDS, "{name} of {other}");
            assert!(world.is_alive(&session).await);
            world.log_out(&mut there);
            assert_eq!(world.result(&there), all_confirmed(None));
            assert_eq!(world.signed_in(&mut there), NOBODY_THERE);
        }
    }
}

/// pysaml2 keeps one identity for a name, and has no session but that. When a person is signed in
/// twice under one name, it knows the last SessionIndex only: it asks the hub to end that session,
/// and at a LogoutRequest about either it forgets the person.
///
/// python3-saml, as it tells applications to use it, ends the session of the browser that comes,
/// whatever the request names.
///
/// So one browser's logout ends the hub's session of the other one here. Whoever has sessions by
/// their index keeps to it, and names that are not the same in two sessions (transient ones) make
/// pysaml2 keep to it, too: see above.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pysaml2_has_one_session_for_a_name() {
    let Some(world) = World::new().await else {
        return;
    };
    let (mut here, mut there) = (Browser::default(), Browser::default());
    world.sign_in(&mut here, USER);
    world.sign_in(&mut there, USER);
    let sessions = [world.session(&here), world.session(&there)];
    let page = here.open(&world.at(PYSAML2, "/out")).page();
    assert_eq!(answer_at(PYSAML2, &page), (true, None), "{}", page.text);
    assert_eq!(world.result(&here), all_confirmed(Some(PYSAML2)));
    assert!(world.is_alive(&sessions[0]).await && !world.is_alive(&sessions[1]).await);
    assert_eq!(world.signed_in(&mut here), [SIMPLESAMLPHP, NODE_SAML]);
    assert_eq!(world.signed_in(&mut there), [PYTHON3_SAML]);
}

/// The end of a session that pysaml2 has already forgotten with another one: it says that it
/// denies the request, and the hub that it failed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pysaml2_forgets_a_name_once() {
    let Some(world) = World::new().await else {
        return;
    };
    let (mut here, mut there) = (Browser::default(), Browser::default());
    world.sign_in(&mut here, USER);
    world.sign_in(&mut there, USER);
    world.log_out(&mut here);
    assert_eq!(world.result(&here), all_confirmed(None));
    assert_eq!(world.signed_in(&mut here), NOBODY_THERE);
    let others = [SIMPLESAMLPHP, PYTHON3_SAML, NODE_SAML];
    assert_eq!(world.signed_in(&mut there), others);
    world.log_out(&mut there);
    let mut expected = all_confirmed(None);
    expected.insert(PYSAML2.to_owned(), "Failed".to_owned());
    assert_eq!(world.result(&there), expected);
    assert_eq!(world.signed_in(&mut there), NOBODY_THERE);
}
