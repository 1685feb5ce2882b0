//! The person's browser.

use super::{Happening, World};
use crate::deal::{MINUTE, Manner, SECOND};
use federate_logout::*;

impl World {
    /// The person's browser shows the hub's page, and goes where it is sent.
    pub(super) fn visit(&mut self) {
        self.visits += 1;
        if !self.browser || self.visits > 60 || self.random.chance(2) {
            self.browser = false;
            return;
        }
        let effects = self.tell(Event::Resumed);
        let (behind, browser): (Vec<_>, Vec<_>) = effects.into_iter().partition(|effect| {
            matches!(effect, Effect::RevokeSession { .. })
                || matches!(effect, Effect::SendLogoutRequest(request)
                    if matches!(request.channel, Channel::Back(_)))
        });
        self.follow(behind);
        match browser.into_iter().next() {
            Some(Effect::SendLogoutRequest(request)) => self.go(request),
            Some(Effect::ShowFrames(requests)) => self.show_frames(requests),
            Some(Effect::AskUpstream { .. }) => {
                if self.random.chance(85) {
                    let ask = self.random.chance(60);
                    self.tell_after(SECOND, None, Event::UpstreamChosen { ask });
                }
                self.plan(2 * SECOND, None, Happening::Visit);
            }
            Some(Effect::Answer(answer)) => {
                self.witness.given(&answer);
                if self.random.chance(85) {
                    self.tell_after(1, None, Event::Answered);
                }
                self.plan(SECOND, None, Happening::Visit);
            }
            _ => self.idle(),
        }
    }

    /// Nothing to do for the browser: it waits, or the person wants something more.
    fn idle(&mut self) {
        if self.state.is_done() {
            if self.wishes >= 3 || !self.random.chance(30) {
                self.browser = false;
                return;
            }
            self.wishes += 1;
            let entity_id = self.any_peer();
            let effects = self.tell(Event::Retry { entity_id });
            self.follow(effects);
        }
        self.plan(SECOND, None, Happening::Visit);
    }

    fn go(&mut self, request: LogoutRequestToSend) {
        let request_id = request.request_id.clone();
        if self.random.chance(3) {
            let reason = SendFailure::NotSent;
            self.tell_after(0, None, Event::SendFailed { request_id, reason });
            return self.plan(10, None, Happening::Visit);
        }
        self.tell_after(0, None, Event::Sent { request_id });
        let manner = self.manner(&request.entity_id);
        match self.respond(manner, &request, None) {
            Some(after) if manner != Manner::Late => {
                self.plan(after + 1, None, Happening::Visit);
            }
            _ => {
                let wait = self.random.between(SECOND, MINUTE);
                self.plan(wait, None, Happening::Stuck(request.request_id));
            }
        }
    }

    fn show_frames(&mut self, requests: Vec<LogoutRequestToSend>) {
        for request in requests {
            let request_id = request.request_id.clone();
            self.tell_after(5, None, Event::Sent { request_id });
            let manner = self.manner(&request.entity_id);
            self.respond(manner, &request, None);
        }
        self.plan(SECOND, None, Happening::Visit);
    }
}
