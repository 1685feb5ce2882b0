//! Logouts that go on without a browser.

use crate::failure::printable;
use federate::hub::PeerFailure;
use federate::{FederateError, Hub, Store};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::{MissedTickBehavior, interval};

/// How often the store is asked for work that is due.
const EVERY: Duration = Duration::from_secs(1);

/// How much due work is taken at a time.
const AT_A_TIME: usize = 64;

/// How many logouts this node asks peers for at once.
const LOGOUTS: usize = 64;

/// Asks peers by SOAP for the logouts of this hub, goes on with those whose time has come, and
/// with those that another node left: run it as long as the hub runs, on every node. It ends with
/// the task in which it runs.
pub async fn carry_out_logouts<S: Store>(hub: Arc<Hub<S>>) {
    let room = Arc::new(Semaphore::new(LOGOUTS));
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        // Nobody closes the semaphore.
        let Ok(permit) = Arc::clone(&room).acquire_owned().await else {
            return;
        };
        let here = Arc::clone(&hub);
        tokio::select! {
            work = hub.next_work() => {
                tokio::spawn(async move {
                    tell(here.carry_out(work).await);
                    drop(permit);
                });
            }
            _ = ticks.tick() => {
                tokio::spawn(async move {
                    tell(here.carry_out_due(AT_A_TIME).await);
                    drop(permit);
                });
            }
        }
    }
}

fn tell(outcome: Result<Vec<PeerFailure>, FederateError>) {
    match outcome {
        Ok(failures) => {
            for PeerFailure { peer, error } in failures {
                let (code, why) = (error.code(), printable(&error.to_string()));
                let (expected, actual) = error
                    .expected_and_actual()
                    .map(|(expected, actual)| (printable(expected), printable(actual)))
                    .unzip();
                tracing::warn!(
                    expected,
                    actual,
                    code,
                    peer = printable(peer.as_str()),
                    "a peer could not be told of a logout: {why}"
                );
            }
        }
        Err(error) => {
            let (code, why) = (error.code(), printable(&error.to_string()));
            tracing::warn!(code, "a logout could not go on: {why}");
        }
    }
}
