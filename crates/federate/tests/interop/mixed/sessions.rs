//! Several sessions at a time: the end of one leaves the others alone.

use super::NOBODY_THERE;
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
