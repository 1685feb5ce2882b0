//! Three layers: people sign in at a SimpleSAMLphp above the hub.

use super::NOBODY_THERE;
use super::told::*;
use super::world::*;
use crate::browser::Browser;
use crate::*;
use federate::logout::UpstreamPolicy;

async fn world(upstream: UpstreamPolicy) -> Option<World> {
    let options = Options {
        upstream: Some(upstream),
        ..Options::default()
    };
    World::with(options).await
}

/// As for an application: the hub's session and those of all applications end, and
/// SimpleSAMLphp, which asked, takes the hub's answer and goes on to where it was told.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_logout_begins_upstream() {
    let Some(world) = world(UpstreamPolicy::Always).await else {
        return;
    };
    let mut browser = Browser::default();
    world.sign_in(&mut browser, USER);
    let session = world.session(&browser);
    assert_eq!(world.signed_in(&mut browser), KINDS);
    let upstream = world.upstream.as_ref().unwrap();
    let after = upstream.at("/logout.php");
    let out = upstream.at(&format!(
        "/saml2/idp/SingleLogoutService.php?ReturnTo={after}"
    ));
    let page = browser.open(&out).page();
    assert_eq!(page.address, after, "{}", page.text);
    let mut expected = all_confirmed(None);
    expected.insert(upstream.at("/idp"), ASKED.to_owned());
    assert_eq!(world.result(&browser), expected);
    assert_eq!(world.signed_in(&mut browser), NOBODY_THERE);
    assert!(!world.is_alive(&session).await);
    assert_eq!(world.passwords(&mut browser, USER), 1);
}

/// By policy, a logout at an application goes up to SimpleSAMLphp, and the next sign-on asks for
/// the password; or it ends at the hub, and the next one does not.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_logout_goes_upstream_by_policy() {
    for policy in [UpstreamPolicy::Always, UpstreamPolicy::Never] {
        let Some(world) = world(policy).await else {
            return;
        };
        let upstream = world.upstream.as_ref().unwrap().at("/idp");
        let mut browser = Browser::default();
        assert_eq!(world.passwords(&mut browser, USER), 1);
        for name in KINDS {
            let session = world.session(&browser);
            let page = browser.open(&world.at(name, "/out")).page();
            let mut expected = all_confirmed(Some(name));
            let (said, asked) = match policy {
                UpstreamPolicy::Always => (CONFIRMED, 1),
                _ => ("Not asked", 0),
            };
            expected.insert(upstream.clone(), said.to_owned());
            assert_eq!(world.result(&browser), expected);
            assert_eq!(answer_at(name, &page), (true, None), "{}", page.text);
            assert_eq!(world.signed_in(&mut browser), NOBODY_THERE);
            assert!(!world.is_alive(&session).await);
            assert_eq!(world.passwords(&mut browser, USER), asked, "{policy:?}");
        }
    }
}
